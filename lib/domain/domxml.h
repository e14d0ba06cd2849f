/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads domain XML into struct vfa_domain (domain.h), and writes the XML that goes back to libvirt.
 *
 * XML is untrusted: no network, no entity expansion, a size limit (VFA_DOMXML_MAX). Unknown
 * attributes and elements of urn:vfalias:1 are errors; everything else in the document is ignored.
 * Format: https://libvirt.org/formatdomain.html; vfalias-requests(7) describes the namespace.
 */
#ifndef VFA_DOMAIN_DOMXML_H
#define VFA_DOMAIN_DOMXML_H

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "base/tags.h"
#include "device/device.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain.h"

/* Parses `len` bytes. Free with vfa_domain_free(). -EINVAL: not a domain XML. Requests that cannot
 * be read are no error: vfa_domain.bad_requests says why. */
int vfa_domxml_parse(const char *xml, size_t len, struct vfa_domain **ret, struct vfa_error *err);

/* Makes the device element for a request: from its template, or of the kind that the alias says. It
 * gets the user alias ua-vf-NAME, the device as source, managed (of PCI devices, not of a macvtap)
 * and, if port is not NULL, the guest address. An interface also gets a MAC address (base/mac.h),
 * and the VLAN and port profile of the alias, a disk a driver and the next free target, where the
 * template has none. free() *ret. `device` is NULL for a kind without device, a bridge. -ENODEV: the
 * device lacks what the element names, as a netdev for a macvtap. */
int vfa_domxml_device(const struct vfa_domain *domain, const struct vfa_request *request,
                      const struct vfa_alias *alias, const struct vfa_device *device, bool managed,
                      const struct vfa_port *port, char **ret, struct vfa_error *err);

/* The same in short, for a request that has no device yet. */
struct vfa_element_summary {
    const char *element;    /* name of the element: "hostdev", "interface" or "disk" */
    char mac[VFA_MAC_SIZE]; /* of an interface */
    unsigned vlan;          /* the first of several; 0: none */
};
int vfa_domxml_summarize(const struct vfa_domain *domain, const struct vfa_request *request,
                         const struct vfa_alias *alias, struct vfa_element_summary *ret,
                         struct vfa_error *err);

/* The host device for the element with user alias ua-vf-REQUEST. */
struct vfa_domxml_source {
    const char *request;
    const struct vfa_device *device;
    bool managed; /* libvirt binds the device to vfio-pci and back: vfa_alias_managed() */
};

/* Copies a domain XML and sets the sources of the devices of those requests (and managed of PCI
 * devices, except on a macvtap). Every other byte stays as it is. Requests without a device in the
 * XML are ignored. free() *ret. */
int vfa_domxml_fill(const char *xml, size_t len, const struct vfa_domxml_source *sources, size_t n,
                    char **ret, struct vfa_error *err);

/* Copies a domain XML that has no UUID, and adds this UUID. free() *ret. */
int vfa_domxml_set_uuid(const char *xml, size_t len, const char *uuid, char **ret,
                        struct vfa_error *err);

/* Makes the XML of a rehearsal of this domain: its name, UUID, requests, labelled ports and place
 * on the host, and nothing else that the destination host could lack. free() *ret. */
int vfa_domxml_rehearsal(const char *xml, size_t len, enum vfa_rehearsal kind, char **ret,
                         struct vfa_error *err);

/* Copies a domain XML and adds these device elements (vfa_domxml_device()). free() *ret. */
int vfa_domxml_insert(const char *xml, size_t len, char *const *devices, size_t n, char **ret,
                      struct vfa_error *err);

/* The MAC address of the interface with that user alias, which must be the persistent virtio
 * interface of a teaming pair (libvirt's <teaming>). -EINVAL: there is no such interface; the error
 * says why. */
int vfa_domxml_persistent_mac(const char *xml, size_t len, const char *alias,
                              char ret[VFA_MAC_SIZE], struct vfa_error *err);

/* Copies a domain XML and adds `n` empty pcie-root-ports, with indexes above the highest in use.
 * Nothing else changes. free() *ret. */
int vfa_domxml_add_ports(const char *xml, size_t len, unsigned n, char **ret,
                         struct vfa_error *err);

/* The same for one port, labelled ua-slot-NAME. */
int vfa_domxml_add_labelled_port(const char *xml, size_t len, const char *request, char **ret,
                                 struct vfa_error *err);

/* Copies a domain XML and removes the label ua-slot-NAME: the port stays, for any device. -ENOENT:
 * no port has this label. free() *ret. */
int vfa_domxml_remove_label(const char *xml, size_t len, const char *request, char **ret,
                            struct vfa_error *err);

/*
 * Edit the <requests> element, in the form that virDomainGetMetadata() returns and
 * virDomainSetMetadata() takes (without namespace prefix). `requests` is NULL if the domain has
 * none. free() *ret; NULL in *ret after a removal: no request is left, remove the element.
 *
 * add: the name may be NULL (ALIAS-N). -EINVAL: two requests would have the same name, or a tag
 * cannot be an attribute.
 *
 * remove: `what` is the name of a request, or an alias (all its requests). -ENOENT: neither exists.
 */
struct vfa_request_interface {
    enum vfa_attach_kind kind; /* a NIC; VFA_ATTACH_KINDS: it depends on the alias */
    const char *mac;           /* NULL: none given */
    unsigned vlan;             /* 0: none */
    const char *profileid;     /* of an 802.1Qbh port profile, or NULL */
    const char *persistent;    /* user alias of its partner in a teaming pair, or NULL */
};
struct vfa_request_options {
    const char *name;
    unsigned count; /* 1.. */
    bool optional;
    bool late;       /* needs optional */
    bool numa_given; /* else the policy of the alias counts */
    enum vfa_numa_policy numa;
    const struct vfa_tags *tags;                   /* NULL: none */
    const struct vfa_request_interface *interface; /* the element inside; NULL: none */
    const struct vfa_vf_settings *settings;        /* NULL, or nothing given: no <settings> */
};
int vfa_domxml_requests_add(const char *requests, const char *alias,
                            const struct vfa_request_options *options, char **ret,
                            struct vfa_error *err);
int vfa_domxml_requests_remove(const char *requests, const char *what, char **ret,
                               struct vfa_error *err);

/* Copies a domain XML and replaces its <requests> element by this one, which is in the same form.
 * free() *ret. */
int vfa_domxml_set_requests(const char *xml, size_t len, const char *requests, char **ret,
                            struct vfa_error *err);

/* Copies a domain XML without the element that has the user alias ua-vf-REQUEST. -ENOENT: no device
 * has it. free() *ret. */
int vfa_domxml_remove_device(const char *xml, size_t len, const char *request, char **ret,
                             struct vfa_error *err);

#endif
