/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI addresses: valid and, above all, invalid texts; formatting and order. */

#include "base/common.h"
#include "base/pci-address.h"
#include "check.h"

static const char *const addresses[] = {
    "0000:00:00.0", "ffff:ff:1f.7", "0000:0b:10.4", "10000:01:00.0", "ffffffff:ff:1f.7",
};
static const char *const no_addresses[] = {
    "",
    "0000:0b:10",
    "0000:0b:10.",
    "0b:10.4",
    "000:0b:10.4",
    "0000:b:10.4",
    "0000:0b:1.4",
    "0000:0b:20.0",
    "0000:0b:10.8",
    "0000:0b:10.44",
    "0000:0B:10.4",
    "00000:0b:10.4",
    "000000001:0b:10.4",
    " 0000:0b:10.4",
    "0000:0b:10.4 ",
    "0000:0b:10.4\n",
    "0x00:0b:10.4",
    "0000:0b:10:4",
    "0000.0b.10.4",
    "0000:0g:10.4",
    "0000:-1:10.4",
    "0000:0b:10.-",
    "gggg:0b:10.4",
    "0000::10.4",
};

static void test_addresses(void)
{
    struct vfa_pci_addr last = {0}, addr;
    char buf[VFA_PCI_ADDR_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        CHECK(vfa_parse_pci_addr(addresses[i], &addr) == 0, "%s", addresses[i]);
        CHECK(strcmp(vfa_pci_addr_format(&addr, buf), addresses[i]) == 0, "%s", buf);
    }
    for (size_t i = 0; i < ARRAY_SIZE(no_addresses); i++) {
        addr = last;
        CHECK(vfa_parse_pci_addr(no_addresses[i], &addr) < 0, "'%s'", no_addresses[i]);
        CHECK(vfa_pci_addr_compare(&addr, &last) == 0, "'%s' changed *ret", no_addresses[i]);
    }
}

static void test_order(void)
{
    static const char *const sorted[] = {"0000:00:00.0", "0000:00:00.1", "0000:00:02.0",
                                         "0000:0a:00.0", "0001:00:00.0", "10000:00:00.0"};

    for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
            struct vfa_pci_addr a, b;
            int order;

            CHECK(!vfa_parse_pci_addr(sorted[i], &a) && !vfa_parse_pci_addr(sorted[j], &b), "");
            order = vfa_pci_addr_compare(&a, &b);
            CHECK((order > 0) - (order < 0) == (i > j) - (i < j), "%s %s", sorted[i], sorted[j]);
        }
    }
}

int main(void)
{
    test_addresses();
    test_order();
    return check_result();
}
