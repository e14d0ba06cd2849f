/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domain XML in, what vfalias needs of it out; and the pieces of XML that go back to libvirt.
 *
 * XML is untrusted: no network, no entity expansion, a size limit (VFA_DOMXML_MAX). Attributes and
 * elements of urn:vfalias:1 that are not known are errors; everything else in the document is
 * ignored. Format: https://libvirt.org/formatdomain.html; the namespace is described in
 * vfalias-hooks(7).
 */
#ifndef VFA_DOMXML_H
#define VFA_DOMXML_H

#include "base-uuid.h"
#include "bitset.h"
#include "mac.h"
#include "parse.h"
#include "spec.h"

#define VFA_NS            "urn:vfalias:1"
#define VFA_NS_PREFIX     "vfalias"
#define VFA_DEVICE_PREFIX "ua-vf-"   /* user alias of a device that belongs to a request */
#define VFA_SLOT_PREFIX   "ua-slot-" /* user alias of a port that is kept for a request */
#define VFA_DOMXML_MAX    (16u << 20)
#define VFA_REQUEST_MAX   256 /* devices of one domain */

/* One wanted device. A request with count="3" appears three times, named ALIAS-0 to ALIAS-2. */
struct vfa_request {
    char *name;      /* unique in the domain, [A-Za-z0-9_-]+ */
    char *alias;     /* the alias asked for */
    bool optional;   /* nothing free does not stop the start */
    bool late;       /* an optional one: filled when a device gets free while the domain runs */
    bool hold_given; /* the alias does not count */
    bool hold;       /* the guest is to wait for the device at power-on */
    bool numa_given; /* the alias' policy does not count */
    enum vfa_numa_policy numa;
    struct vfa_tags tags; /* what the device's tags must be, besides what the alias wants */
    struct vfa_vf_settings settings; /* key by key instead of the alias' */
    char *template_xml; /* the element inside, without namespace prefix; NULL: as the alias says */
    bool attach_given;  /* the element says what it is, else see vfa_request_attach() */
    enum vfa_attach_kind attach;
    bool from_port;   /* not in the metadata: made of a labelled port */
    unsigned element; /* which <request> said it, counted from 0 */
};

/* A <hostdev> of type pci, an <interface type='hostdev'>, an <interface type='direct'> that is
 * ours, or (as a hostdev) the NVMe drive that is the source of disks. */
struct vfa_domdev {
    enum vfa_attach_kind kind;
    struct vfa_pci_addr source; /* not of a macvtap */
    char *netdev;               /* of a macvtap: the host's netdev; else NULL */
    char *mac;                  /* of an interface, or NULL */
    bool has_source;            /* false: no source that could exist (a placeholder) */
    bool transient;             /* of a teaming pair: it leaves by itself when the guest migrates */
    char *request;              /* the NAME of its user alias ua-vf-NAME; NULL: not ours */
};

/* A place for hot-plug: a PCIe root port or switch downstream port. */
struct vfa_port {
    unsigned index; /* the controller's index = the bus number devices on it name */
    char *label;    /* the NAME of its user alias ua-slot-NAME, or NULL */
    bool used;      /* a device sits on it */
};

/* A domain that is not to start, made by `vfalias migrate` to ask this host (vfalias-hooks(7)). */
enum vfa_rehearsal {
    VFA_REHEARSAL_NONE,
    VFA_REHEARSAL_ASK,     /* whether it would be served */
    VFA_REHEARSAL_RESERVE, /* likewise, and keep what would serve it, as for one that arrives */
    VFA_REHEARSAL_CANCEL,  /* it does not come: keep nothing */
};

struct vfa_domain {
    char *name;
    char uuid[VFA_UUID_SIZE]; /* lower case; "" when the XML has none */
    struct vfa_request *requests;
    size_t n_requests;
    enum vfa_rehearsal rehearsal;
    char *bad_requests; /* why its requests cannot be read (then there are none), or NULL */
    struct vfa_domdev *devices;
    size_t n_devices;
    bool pcie; /* q35 and the like: hot-plug needs ports; else free slots of pci-root count */
    struct vfa_port *ports;
    size_t n_ports;
    unsigned free_slots;           /* of an i440fx' pci-root and its bridges */
    unsigned max_controller;       /* highest index of a PCI controller */
    struct vfa_bitset numa_nodes;  /* the host's nodes in <numatune>; empty: it says none */
    struct vfa_bitset pinned_cpus; /* the host's CPUs in <vcpu cpuset> and <cputune>; likewise */
};

/* Parses `len` bytes. Free with vfa_domain_free(). -EINVAL: not a domain XML, or bad requests in
 * it. */
int vfa_domxml_parse(const char *xml, size_t len, struct vfa_domain **ret, struct vfa_error *err);
struct vfa_domain *vfa_domain_free(struct vfa_domain *domain);
VFA_DEFINE_AUTO(struct vfa_domain, vfa_domain_free);

void vfa_request_clear(struct vfa_request *request);
const struct vfa_request *vfa_domain_request(const struct vfa_domain *domain, const char *name);
/* The device that carries ua-vf-NAME, or NULL. */
const struct vfa_domdev *vfa_domain_device(const struct vfa_domain *domain, const char *request);

/* The port where a request's device is to go: the empty one labelled for it, else the first empty
 * one without a label if there are labels to be spared, else NULL: any that libvirt finds. */
const struct vfa_port *vfa_domain_port(const struct vfa_domain *domain, const char *request);

/* How many more empty ports (or slots) the requests that have no device yet need. */
unsigned vfa_domain_missing_ports(const struct vfa_domain *domain);

/* What is attached for a request: as its element says, else as its alias does. */
enum vfa_attach_kind vfa_request_attach(const struct vfa_request *request,
                                        const struct vfa_alias *alias);

/* What its VF is to be: as the alias says, key by key replaced by what the request says. Either may
 * be NULL. */
void vfa_request_settings(const struct vfa_request *request, const struct vfa_alias *alias,
                          struct vfa_vf_settings *ret);

/* The ALIAS in a name ALIAS-N, or the name itself when it has no number: what a labelled port or a
 * device asks for that has no request in the metadata. free() it; NULL: no memory. */
char *vfa_domxml_alias_of_name(const char *name);

/* The device element to attach for a request: its template, or what the alias says. With the user
 * alias ua-vf-NAME, managed='yes', the host's device as source and, if port is not NULL, the guest
 * address; an interface gets what the alias says (VLAN, port profile) and it does not say itself,
 * and a MAC address (mac.h). *ret is owned by the caller (free()). */
int vfa_domxml_device(const struct vfa_domain *domain, const struct vfa_request *request,
                      const struct vfa_alias *alias, const struct vfa_device *device,
                      const struct vfa_port *port, char **ret, struct vfa_error *err);

/* The same in short: what a request is given, before it has a device. */
struct vfa_request_look {
    bool interface;         /* else a hostdev */
    char mac[VFA_MAC_SIZE]; /* of an interface */
    unsigned vlan;          /* the first, if there are several; 0: none */
};
int vfa_domxml_look(const struct vfa_domain *domain, const struct vfa_request *request,
                    const struct vfa_alias *alias, struct vfa_request_look *ret,
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
