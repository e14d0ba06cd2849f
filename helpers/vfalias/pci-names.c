/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See pci-names.h. libpci's error callback must not return (the default callback calls exit()), so
 * setjmp() comes before each call. After an error, no more names are looked up.
 */

#include "pci-names.h"

#include <pci/pci.h>
#include <setjmp.h>

struct vfa_pci_names {
    struct pci_access *access;
    bool broken;
};

static jmp_buf on_error;

static void PCI_NONRET on_libpci_error(char *msg, ...)
{
    longjmp(on_error, 1);
}

static void ignore_libpci_message(char *msg, ...)
{
}

struct vfa_pci_names *vfa_pci_names_open(void)
{
    struct vfa_pci_names *names = calloc(1, sizeof(*names));

    if (!names)
        return NULL;
    names->access = pci_alloc();
    names->access->error = on_libpci_error;
    names->access->warning = ignore_libpci_message;
    names->access->debug = ignore_libpci_message;
    return names;
}

struct vfa_pci_names *vfa_pci_names_close(struct vfa_pci_names *names)
{
    if (!names)
        return NULL;
    if (!names->broken && setjmp(on_error) == 0)
        pci_cleanup(names->access);
    free(names);
    return NULL;
}

const char *vfa_pci_names_lookup(struct vfa_pci_names *names, uint16_t vendor, uint16_t product,
                                 char *buf, size_t size)
{
    const int flags = PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS;
    char *text;

    buf[0] = '\0';
    if (!names || names->broken || vendor == 0) /* it stands on no PCI function */
        return buf;
    if (setjmp(on_error) != 0) {
        names->broken = true;
        buf[0] = '\0';
        return buf;
    }
    text = pci_lookup_name(names->access, buf, (int)size, flags, vendor, product);
    if (!text)
        buf[0] = '\0';
    return buf;
}
