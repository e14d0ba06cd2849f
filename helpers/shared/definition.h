/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Free PCIe ports in the persistent definition of a domain: hot-plug on q35 needs a free port for
 * each request, and libvirt cannot add a port to a running domain. vfaliasd adds ports on each
 * define and metadata change, `vfalias request` on demand.
 *
 * vfa_domain_ports_add() is idempotent: a definition with enough ports is not changed (each define
 * raises another event, which must end here).
 *
 * libvirt has no compare-and-define, so the definition is read again immediately before the define,
 * and a definition that changed in between is not overwritten. A race of one libvirt call remains:
 * an edit between that read and the define is overwritten, and a domain that is undefined between
 * them is defined again. vfaliasd could detect the second case (the event says "added"), but cannot
 * distinguish it from a user who defines the domain again at that moment; undefining that user's
 * domain would be worse. virDomainAttachDeviceFlags() never creates a definition, but cannot replace
 * a placeholder.
 */
#ifndef VFA_SHARED_DEFINITION_H
#define VFA_SHARED_DEFINITION_H

#include "base/error.h"

#include <libvirt/libvirt.h>

enum {
    VFA_PORTS_CHANGED = 1, /* another program changed the definition meanwhile: nothing was done */
};

/* The XML of the definition, complete enough to define it again; free() *ret. */
int vfa_domain_definition_read(virDomainPtr domain, char **ret, struct vfa_error *err);

/* Defines `changed`, which was made from `xml`, if libvirt's definition still equals `xml`. 0,
 * VFA_PORTS_CHANGED or an error. */
int vfa_domain_definition_replace(virDomainPtr domain, const char *xml, const char *changed,
                                  struct vfa_error *err);

/* Adds the missing ports to the inactive definition. *ret_n, if not NULL, gets their number, which
 * is 0 for a transient domain (it has no definition). 0, VFA_PORTS_CHANGED or an error (-EINVAL:
 * the domain's requests are wrong). */
int vfa_domain_ports_add(virDomainPtr domain, unsigned *ret_n, struct vfa_error *err);

/* Adds one empty port labelled ua-slot-REQUEST to the inactive definition. Not idempotent. 0,
 * VFA_PORTS_CHANGED or an error. */
int vfa_domain_ports_add_labelled(virDomainPtr domain, const char *request, struct vfa_error *err);

/* Removes the label ua-slot-REQUEST from its port in the inactive definition; the port stays. 0,
 * VFA_PORTS_CHANGED or an error (-ENOENT: no port has that label). */
int vfa_domain_ports_remove_label(virDomainPtr domain, const char *request, struct vfa_error *err);

/* Removes the device ua-vf-REQUEST from the inactive definition. 0, VFA_PORTS_CHANGED or an error
 * (-ENOENT: it has no such device). */
int vfa_domain_definition_remove_device(virDomainPtr domain, const char *request,
                                        struct vfa_error *err);

#endif
