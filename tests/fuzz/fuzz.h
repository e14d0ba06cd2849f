/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the fuzz targets: a few devices to match, and the input as text. */
#ifndef VFA_FUZZ_H
#define VFA_FUZZ_H

#include "base/common.h"
#include "device/inventory.h"
#include "spec/match.h"
#include "spec/spec.h"
#include "config/config.h"

#include <string.h>

/* An assertion that stays in every build. */
#define FUZZ_REQUIRE(cond)                                                                         \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vfa_device fuzz_devices[] = {
    {.id = "0000:01:00.0",
     .addr = {0, 1, 0, 0},
     .type = VFA_TYPE_PF,
     .vendor = 0x8086,
     .product = 0x1521,
     .class = 0x020000,
     .netdev = (char *)"enp1s0"},
    {.id = "0000:01:10.4",
     .addr = {0, 1, 0x10, 4},
     .parent = {0, 1, 0, 0},
     .type = VFA_TYPE_VF,
     .vendor = 0x8086,
     .product = 0x1520,
     .class = 0x020000},
    {.id = "10000:01:00.0", .addr = {0x10000, 1, 0, 0}, .vendor = 0x8086, .product = 0x0a54},
    {.id = "ffff:ff:1f.7", .addr = {0xffff, 0xff, 0x1f, 7}, .vendor = 0x10de, .product = 0x20b2},
    {.id = "mdev-type:0000:01:00.0/x-1",
     .addr = {0, 1, 0, 0},
     .type = VFA_TYPE_MDEV,
     .on_function = true,
     .vendor = 0x8086,
     .makes = 4},
    {.id = "mdev-type:mtty/mtty-2", .type = VFA_TYPE_MDEV, .makes = 24},
    {.id = "mgmtdev:pci/0000:01:10.4",
     .addr = {0, 1, 0x10, 4},
     .parent = {0, 1, 0, 0},
     .type = VFA_TYPE_VDPA,
     .on_function = true,
     .on_vf = true,
     .vendor = 0x8086,
     .makes = 1},
    {.id = "mgmtdev:vdpasim_net", .type = VFA_TYPE_VDPA_BLOCK, .makes = VFA_MAKES_MANY},
    {.id = "vdpa:vdpa0", .type = VFA_TYPE_VDPA, .maker = (char *)"mgmtdev:vdpasim_net"},
};

static inline void fuzz_match(const struct vfa_config *config)
{
    const struct vfa_inventory inv = {.devices = fuzz_devices, .n = ARRAY_SIZE(fuzz_devices)};

    for (size_t i = 0; i < inv.n; i++) {
        const struct vfa_spec *spec = vfa_config_spec_for(config, &inv, &fuzz_devices[i]);

        for (size_t j = 0; j < config->n_aliases; j++)
            (void)vfa_alias_matches_driver(&config->aliases[j], &fuzz_devices[i], spec);
    }
}

/* A terminated copy. free() it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
