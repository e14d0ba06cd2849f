/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Free PCIe ports in the persistent definition of a domain: hot-plug on q35 needs one for each
 * request, and libvirt cannot add a port to a running domain. vfaliasd does this on each define and
 * metadata change, `vfalias request` on demand.
 *
 * Idempotent: a definition with ports enough is left as it is (a define raises another event, which
 * ends here). libvirt has no compare-and-define, so the definition is read once more right before;
 * what was changed meanwhile is never overwritten knowingly. Between that read and the define is
 * one call's way to libvirt, and what falls into it is lost: an edit is overwritten, and a domain
 * that is undefined just then is there again. That could be seen (its definition counts as added),
 * but nobody could tell it from a user who defines the domain anew just then: undefining it would
 * be the worse mistake. virDomainAttachDeviceFlags() never makes a domain, but replaces no
 * placeholder.
 */
#ifndef VFA_SHARED_DEFINITION_H
#define VFA_SHARED_DEFINITION_H

#include "base/error.h"

#include <libvirt/libvirt.h>

enum {
    VFA_PORTS_CHANGED = 1, /* somebody edits the definition at the same time: nothing was done */
};

/* The definition as a define takes it; free() *ret. */
int vfa_domain_definition_read(virDomainPtr domain, char **ret, struct vfa_error *err);

/* Defines `changed`, which was made from `xml`, if that is what libvirt still has. 0,
 * VFA_PORTS_CHANGED or an error. */
int vfa_domain_definition_replace(virDomainPtr domain, const char *xml, const char *changed,
                                  struct vfa_error *err);

/* Adds the missing ports to the inactive definition. *ret_n, if not NULL, gets how many. A
 * transient domain has no such definition: 0 ports. 0, VFA_PORTS_CHANGED or an error (-EINVAL: its
 * requests are wrong). */
int vfa_domain_ports_add(virDomainPtr domain, unsigned *ret_n, struct vfa_error *err);

/* Adds one empty port labelled ua-slot-REQUEST to the inactive definition. Not idempotent. 0,
 * VFA_PORTS_CHANGED or an error. */
int vfa_domain_ports_add_labelled(virDomainPtr domain, const char *request, struct vfa_error *err);

/* Takes the label ua-slot-REQUEST off a port of the inactive definition. The same, or -ENOENT. */
int vfa_domain_ports_remove_label(virDomainPtr domain, const char *request, struct vfa_error *err);

#endif
