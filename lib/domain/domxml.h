/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domain XML in, what vfalias needs of it (domain.h) out; and the pieces of XML that go back to
 * libvirt.
 *
 * XML is untrusted: no network, no entity expansion, a size limit (VFA_DOMXML_MAX). Attributes and
 * elements of urn:vfalias:1 that are not known are errors; everything else in the document is
 * ignored. Format: https://libvirt.org/formatdomain.html; the namespace is described in
 * vfalias-hooks(7).
 */
#ifndef VFA_DOMAIN_DOMXML_H
#define VFA_DOMAIN_DOMXML_H

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "base/tags.h"
#include "device/inventory.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain.h"

/* Parses `len` bytes. Free with vfa_domain_free(). -EINVAL: not a domain XML, or bad requests in
 * it. */
int vfa_domxml_parse(const char *xml, size_t len, struct vfa_domain **ret, struct vfa_error *err);

/* The device element to attach for a request: its template, or what the alias says. With the user
 * alias ua-vf-NAME, managed='yes', the host's device as source and, if port is not NULL, the guest
 * address; an interface gets what the alias says (VLAN, port profile) and it does not say itself,
 * and a MAC address (mac.h). *ret is owned by the caller (free()). */
int vfa_domxml_device(const struct vfa_domain *domain, const struct vfa_request *request,
                      const struct vfa_alias *alias, const struct vfa_device *device,
                      const struct vfa_port *port, char **ret, struct vfa_error *err);

/* The same in short: what a request is given, before it has a device. */
struct vfa_element_summary {
    bool interface;         /* else a hostdev */
    char mac[VFA_MAC_SIZE]; /* of an interface */
    unsigned vlan;          /* the first, if there are several; 0: none */
};
int vfa_domxml_summarize(const struct vfa_domain *domain, const struct vfa_request *request,
                         const struct vfa_alias *alias, struct vfa_element_summary *ret,
                         struct vfa_error *err);

/* The host's device for the one of the XML that carries ua-vf-REQUEST. */
struct vfa_domxml_source {
    const char *request;
    const struct vfa_device *device;
};

/* A copy of a whole domain XML in which the devices of those requests have those sources (and
 * managed='yes' where there is such a thing). Nothing else changes, to the byte; a request without
 * a device is passed over. free() *ret. */
int vfa_domxml_fill(const char *xml, size_t len, const struct vfa_domxml_source *sources, size_t n,
                    char **ret, struct vfa_error *err);

/* Likewise with a UUID, which it must not have yet. free() *ret. */
int vfa_domxml_set_uuid(const char *xml, size_t len, const char *uuid, char **ret,
                        struct vfa_error *err);

/* The XML of a domain to rehearse the arrival of this one with: its name, UUID, requests, labelled
 * ports and place on the host, and nothing else that could be in the way. free() *ret. */
int vfa_domxml_rehearsal(const char *xml, size_t len, enum vfa_rehearsal kind, char **ret,
                         struct vfa_error *err);

/* A copy of a whole domain XML with these device elements (vfa_domxml_device()) added. free() *ret.
 */
int vfa_domxml_insert(const char *xml, size_t len, char *const *devices, size_t n, char **ret,
                      struct vfa_error *err);

/* The MAC address of an interface that a VF can team up with (libvirt's <teaming>): it has that
 * user alias, is a virtio one and the persistent one of a pair. -EINVAL: there is no such; the
 * error says why. */
int vfa_domxml_persistent_mac(const char *xml, size_t len, const char *alias,
                              char ret[VFA_MAC_SIZE], struct vfa_error *err);

/* A copy of a whole domain XML with `n` more empty pcie-root-ports, the first index being the one
 * after the highest there is. Nothing else changes. free() *ret. */
int vfa_domxml_add_ports(const char *xml, size_t len, unsigned n, char **ret,
                         struct vfa_error *err);

/* Likewise with one port labelled ua-slot-NAME. */
int vfa_domxml_add_labelled_port(const char *xml, size_t len, const char *request, char **ret,
                                 struct vfa_error *err);

/* A copy without the label ua-slot-NAME: the port stays, as one for anybody. -ENOENT: no port has
 * it.
 */
int vfa_domxml_remove_label(const char *xml, size_t len, const char *request, char **ret,
                            struct vfa_error *err);

/* Editing the <requests> element, as virDomainGetMetadata() gives it and virDomainSetMetadata()
 * takes it (without namespace prefix). `requests` is NULL where there is none yet. *ret is owned by
 * the caller; NULL in *ret after a removal: nothing is left, remove the element. add: name may be
 * NULL (ALIAS-N); -EINVAL when a name would be there twice, or a tag cannot be an attribute.
 * remove: what is a request's name, or an alias (all of it); -ENOENT when neither is there. */
struct vfa_request_interface {
    enum vfa_attach_kind kind; /* VFA_ATTACH_INTERFACE or _MACVTAP */
    const char *mac;           /* NULL: none given */
    unsigned vlan;             /* 0: none */
    const char *profileid;     /* of an 802.1Qbh port profile, or NULL */
    const char *persistent;    /* user alias of its partner in a teaming pair, or NULL */
};
struct vfa_request_options {
    const char *name;
    unsigned count; /* 1.. */
    bool optional;
    bool late;       /* optional ones only */
    bool numa_given; /* else the alias' policy counts */
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

#endif
