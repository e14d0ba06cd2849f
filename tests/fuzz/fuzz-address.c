/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An address: as a string, as sysfs writes it, and as a regular expression for each field. */

#include "base/common.h"
#include "base/pci-address.h"
#include "spec/spec.h"
#include "fuzz.h"

static void match_all(struct vfa_address_pattern *pattern)
{
    for (size_t i = 0; i < ARRAY_SIZE(fuzz_devices); i++)
        (void)vfa_address_pattern_matches(pattern, &fuzz_devices[i]);
    vfa_address_pattern_free(pattern);
}

static void check_sysfs(const char *text)
{
    char buf[VFA_PCI_ADDR_SIZE];
    struct vfa_pci_addr addr;

    if (vfa_parse_pci_addr(text, &addr) == 0)
        FUZZ_REQUIRE(strcmp(vfa_pci_addr_format(&addr, buf), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VFA_AUTO(vfa_freep) char *text = fuzz_text(data, size);
    struct vfa_address_pattern *pattern = NULL;

    check_sysfs(text);
    if (vfa_address_pattern_glob(text, &pattern, NULL) == 0)
        match_all(pattern);
    pattern = NULL;
    if (vfa_address_pattern_regex(text, NULL, text, NULL, &pattern, NULL) == 0)
        match_all(pattern);
    pattern = NULL;
    if (vfa_address_pattern_regex(NULL, text, NULL, text, &pattern, NULL) == 0)
        match_all(pattern);
    return 0;
}
