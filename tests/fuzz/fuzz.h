/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the fuzz targets: a few devices to match, and the input as text. */
#ifndef VFA_FUZZ_H
#define VFA_FUZZ_H

#include "base/common.h"
#include "device/inventory.h"
#include "spec/maker.h"
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
    {{0, 1, 0, 0}, {0}, VFA_TYPE_PF, 0x8086, 0x1521, 0x020000, 0, 0, NULL, NULL},
    {{0, 1, 0x10, 4}, {0, 1, 0, 0}, VFA_TYPE_VF, 0x8086, 0x1520, 0x020000, 0, 1, NULL, NULL},
    {{0xffff, 0xff, 0x1f, 7}, {0}, VFA_TYPE_PCI, 0x10de, 0x20b2, 0x030200, -1, -1, NULL, NULL},
    {{0x10000, 1, 0, 0}, {0}, VFA_TYPE_PCI, 0x8086, 0x0a54, 0x010802, -1, -1, NULL, NULL},
};

/* What makes devices, each as if all PCI functions carried it, and as if none did. */
static inline void fuzz_match_makers(const struct vfa_config *config,
                                     const struct vfa_inventory *inv)
{
    static const char *const makers[] = {"mgmtdev:vdpasim_net", "mgmtdev:pci/0000:01:10.4",
                                         "mdev-type:mtty/mtty-2", "mdev-type:0000:01:00.0/x-1"};
    const unsigned types = 1u << VFA_TYPE_VDPA | 1u << VFA_TYPE_VDPA_BLOCK | 1u << VFA_TYPE_MDEV;

    for (size_t i = 0; i < ARRAY_SIZE(makers) * (inv->n + 1); i++) {
        const char *maker = makers[i % ARRAY_SIZE(makers)];
        size_t n = i / ARRAY_SIZE(makers);
        const struct vfa_device *function = n < inv->n ? &inv->devices[n] : NULL;
        const struct vfa_spec *spec = vfa_config_spec_for_maker(config, inv, maker, function);

        for (size_t j = 0; j < config->n_aliases; j++)
            (void)vfa_alias_selects_maker(&config->aliases[j], maker, types, function, spec);
    }
}

static inline void fuzz_match(const struct vfa_config *config)
{
    const struct vfa_inventory inv = {.devices = fuzz_devices, .n = ARRAY_SIZE(fuzz_devices)};

    for (size_t i = 0; i < inv.n; i++) {
        const struct vfa_spec *spec = vfa_config_spec_for(config, &inv, &fuzz_devices[i]);

        for (size_t j = 0; j < config->n_aliases; j++)
            (void)vfa_alias_matches_driver(&config->aliases[j], &fuzz_devices[i], spec);
    }
    fuzz_match_makers(config, &inv);
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
