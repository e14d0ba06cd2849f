/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A libvirt domain as vfalias sees it: what it asks for, the host's devices that it has, its places
 * for hot-plug, and where on the host it runs; and the questions to these. domxml.h reads it from
 * XML. Nothing here knows libxml2, the configuration as a whole, or claims.
 *
 * Whoever holds a struct vfa_domain owns all that it points to; what the questions return is
 * borrowed from it.
 */
#ifndef VFA_DOMAIN_DOMAIN_H
#define VFA_DOMAIN_DOMAIN_H

#include "base/bitset.h"
#include "base/common.h"
#include "base/pci-address.h"
#include "base/tags.h"
#include "base/uuid.h"
#include "device/vf-settings.h"
#include "spec/spec.h"

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

/* Frees all of it; NULL is fine. Returns NULL. */
struct vfa_domain *vfa_domain_free(struct vfa_domain *domain);
VFA_DEFINE_AUTO(struct vfa_domain, vfa_domain_free);

/* Free what a struct points to, not the struct. */
void vfa_request_clear(struct vfa_request *request);
void vfa_domdev_clear(struct vfa_domdev *dev);

/* The request of that name, or NULL. */
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

/* True if an element of the domain is tagged as the device of a request. */
bool vfa_domain_has_tagged(const struct vfa_domain *domain);

/* True if the domain wants something from vfalias, and does not just name host devices of its own.
 * Requests that cannot be read count. */
bool vfa_domain_has_requests(const struct vfa_domain *domain);

#endif
