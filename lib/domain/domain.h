/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A libvirt domain as vfalias sees it: its requests, the host devices it has, its ports for
 * hot-plug, and its place on the host; and functions that query these. vfa_domxml_parse()
 * (domain/domxml.h) reads a domain from XML. This header knows neither libxml2, nor the whole
 * configuration, nor claims.
 *
 * The holder of a struct vfa_domain owns everything it points to. Query functions return pointers
 * into it.
 */
#ifndef VFA_DOMAIN_DOMAIN_H
#define VFA_DOMAIN_DOMAIN_H

#include "base/bitset.h"
#include "base/common.h"
#include "base/error.h"
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

/* One requested device. A <request> with count="3" makes three of these, named ALIAS-0 to
 * ALIAS-2. */
struct vfa_request {
    char *name;      /* unique in the domain, [A-Za-z0-9_-]+ */
    char *alias;     /* the alias asked for */
    bool optional;   /* the domain starts even if no device is free */
    bool late;       /* optional requests only: served when a device becomes free later */
    bool hold_given; /* `hold` counts, not the alias */
    bool hold;       /* the guest waits for the device at power-on */
    bool numa_given; /* `numa` counts, not the policy of the alias */
    enum vfa_numa_policy numa;
    struct vfa_tags tags; /* tags that the device must have, in addition to those of the alias */
    struct vfa_vf_settings settings; /* override those of the alias, key by key */
    char *template_xml; /* the element inside <request>, without our prefix; NULL: none */
    bool attach_given;  /* `attach` is set; else see vfa_request_attach() */
    enum vfa_attach_kind attach;
    bool vlan, port_profile; /* template_xml has <vlan>, <virtualport> */
    unsigned disk;           /* number of the target vdX in template_xml, 1 for vda; 0: none */
    bool from_port;          /* made from a labelled port, not read from the metadata */
    unsigned element;        /* number of its <request>, from 0; UINT_MAX: from_port */
};

/* A device of the domain: an element of a kind in domain/element-kind.h, or the NVMe drive that is
 * the source of disks (as VFA_ATTACH_HOSTDEV). An <interface> of type direct or bridge counts only
 * if it has a user alias ua-vf-NAME. */
struct vfa_domdev {
    enum vfa_attach_kind kind;
    char *source; /* as enum vfa_attach_source tells; NULL: a placeholder, which no host can have */
    char *mac;    /* of an interface; NULL: none given */
    bool transient; /* of a teaming pair: unplugged automatically when the guest migrates */
    char *request;  /* NAME of its user alias ua-vf-NAME; NULL: no request's device */
};

/* A port for hot-plug: a PCIe root port or a switch downstream port. */
struct vfa_port {
    unsigned index; /* index of the controller = bus number in the addresses of its devices */
    char *label;    /* NAME of its user alias ua-slot-NAME, or NULL */
    bool used;      /* a device is on this port */
};

/* A domain that `vfalias migrate` creates to ask this host, and that never starts
 * (vfalias-hooks(7)). */
enum vfa_rehearsal {
    VFA_REHEARSAL_NONE,
    VFA_REHEARSAL_ASK,     /* would its requests be served? */
    VFA_REHEARSAL_RESERVE, /* the same, and reserve the devices as for an incoming domain */
    VFA_REHEARSAL_CANCEL,  /* drop the reservation: the domain does not come */
};

struct vfa_domain {
    char *name;
    char uuid[VFA_UUID_SIZE]; /* lower case; "" when the XML has none */
    struct vfa_request *requests;
    size_t n_requests;
    enum vfa_rehearsal rehearsal;
    char *bad_requests; /* why the requests cannot be read (then there are none), or NULL */
    struct vfa_domdev *devices;
    size_t n_devices;
    bool pcie; /* q35, aarch64 virt: hot-plug needs a port; else a free slot */
    struct vfa_port *ports;
    size_t n_ports;
    unsigned free_slots;           /* of pci-root and its bridges (i440fx); UINT_MAX: not known */
    unsigned max_controller;       /* highest index of a PCI controller */
    bool shared_memory;            /* with <memoryBacking> or the cells of <numa> */
    struct vfa_bitset disks;       /* targets vdX of its disks, by number: 1 for vda */
    struct vfa_bitset numa_nodes;  /* host nodes in <numatune>; empty: none given */
    struct vfa_bitset pinned_cpus; /* host CPUs in <cputune>, else in <vcpu cpuset>; likewise */
};

/* Frees all of it; NULL is fine. Returns NULL. */
struct vfa_domain *vfa_domain_free(struct vfa_domain *domain);
VFA_DEFINE_AUTO(struct vfa_domain, vfa_domain_free);

/* Free what a struct points to, not the struct. */
void vfa_request_clear(struct vfa_request *request);
void vfa_domdev_clear(struct vfa_domdev *dev);

/* The request of that name, or NULL. */
const struct vfa_request *vfa_domain_request(const struct vfa_domain *domain, const char *name);
/* The device with user alias ua-vf-NAME, or NULL. */
const struct vfa_domdev *vfa_domain_device(const struct vfa_domain *domain, const char *request);

/* True if an element names this device of the host by its identity. */
bool vfa_domdev_names(const struct vfa_domdev *dev, const char *device);

/* The port for the device of a request: the empty port with its label; else, if another empty port
 * has a label, the first empty port without a label; else NULL: libvirt chooses a port. */
const struct vfa_port *vfa_domain_port(const struct vfa_domain *domain, const char *request);

/* Number of empty ports (or slots) that the requests without a device still lack. */
unsigned vfa_domain_missing_ports(const struct vfa_domain *domain);

/* The kind of element to attach for a request: as its template says, else as the alias says. */
enum vfa_attach_kind vfa_request_attach(const struct vfa_request *request,
                                        const struct vfa_alias *alias);

/* Checks that libvirt can attach a device of an alias for a request of the domain: the kind that its
 * element says, VLAN, port profile, and the domain's memory. -EINVAL with the reason, which names the
 * alias. An alias that accepts no devices and is no bridge is not judged: it names other aliases, and
 * the one that is chosen is to be checked. */
int vfa_request_check(const struct vfa_domain *domain, const struct vfa_request *request,
                      const struct vfa_alias *alias, struct vfa_error *err);

/* The settings for the VF of a request: those of the alias, overridden key by key by those of the
 * request. Either may be NULL. */
void vfa_request_settings(const struct vfa_request *request, const struct vfa_alias *alias,
                          struct vfa_vf_settings *ret);

/* The ALIAS of a name ALIAS-N; the name itself if it has no number. This is the alias that a
 * labelled port, or a device without a request in the metadata, asks for. free() it; NULL: no
 * memory. */
char *vfa_domxml_alias_of_name(const char *name);

/* True if an element of the domain is tagged as the device of a request. */
bool vfa_domain_has_tagged(const struct vfa_domain *domain);

/* True if the domain has requests, or devices of requests. Requests that cannot be read count; host
 * devices without user alias ua-vf-NAME do not. */
bool vfa_domain_has_requests(const struct vfa_domain *domain);

#endif
