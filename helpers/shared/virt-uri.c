/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See virt-uri.h. This file does not connect to libvirt. */

#include "virt-uri.h"

#include "base/error.h"

#include <errno.h>
#include <libxml/uri.h>
#include <string.h>

bool vfa_virt_names_host(const char *uri)
{
    xmlURIPtr parsed = xmlParseURI(uri);
    bool names_host =
        parsed && parsed->server && *parsed->server && strcmp(parsed->server, "localhost") != 0;

    xmlFreeURI(parsed);
    return names_host;
}

int vfa_virt_check_uri(const char *uri, struct vfa_error *err)
{
    bool qemu =
        strncmp(uri, "qemu:", strlen("qemu:")) == 0 || strncmp(uri, "qemu+", strlen("qemu+")) == 0;

    if (qemu && !vfa_virt_names_host(uri))
        return 0;
    return vfa_fail(
        err, EINVAL,
        "libvirt_uri '%s' is not libvirt's QEMU driver on this host: use " VFA_VIRT_DEFAULT_URI,
        uri);
}
