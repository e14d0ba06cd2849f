/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole configuration file: INI, JSON, device_spec, alias and settings. Loading it fails or does
 * not. */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "fuzz.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VFA_AUTO(vfa_closep) int fd = memfd_create("vfalias.conf", MFD_CLOEXEC);
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    char path[64];
    int r;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    r = vfa_config_load(path, &config, &err);
    FUZZ_REQUIRE((r == 0) == (config != NULL));
    FUZZ_REQUIRE((r < 0) == (err.code != 0));
    FUZZ_REQUIRE(r == 0 || !strchr(vfa_error_text(&err), '\n'));
    for (size_t i = 0; config && i < config->n_aliases; i++) {
        for (size_t j = 0; j < config->aliases[i].n_any_of; j++)
            FUZZ_REQUIRE(vfa_config_chained(config, &config->aliases[i], j) != NULL);
    }
    if (config)
        fuzz_match(config);
    return 0;
}
