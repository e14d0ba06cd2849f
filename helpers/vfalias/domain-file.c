/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See domain-file.h. */

#include "domain-file.h"

#include "base/common.h"
#include "base/error.h"
#include "base/io.h"
#include "domain/domain.h"
#include "domain/domxml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int vfa_domain_file_read(const char *path, struct vfa_domain **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data xml = {NULL, 0};
    VFA_AUTO(vfa_closep) int fd = -1;
    bool is_stdin = strcmp(path, "-") == 0;
    int r = 0;

    if (!is_stdin)
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (!is_stdin && fd < 0)
        return vfa_fail(err, errno, "cannot open '%s': %s", path, strerror(errno));
    r = vfa_io_read_all(is_stdin ? STDIN_FILENO : fd, VFA_IO_XML_MAX, &xml);
    if (r < 0)
        return vfa_fail(err, -r, "cannot read '%s': %s", path, strerror(-r));
    r = vfa_domxml_parse(xml.data, xml.len, ret, err);
    return r < 0 ? vfa_wrap(err, "cannot use '%s'", path) : 0;
}
