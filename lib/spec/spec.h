/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device_spec and alias: which devices may be given to guests, and which devices a name selects.
 * Pure: functions over plain structs; vfa_config_load() reads the text forms.
 *
 * Source of the rules: Nova's nova/pci/devspec.py, nova/pci/request.py and nova/pci/stats.py.
 */
#ifndef VFA_SPEC_SPEC_H
#define VFA_SPEC_SPEC_H

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/attributes.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/vf-settings.h"
#include "attach.h"

#define VFA_NOVA_DOMAIN_MAX 0xffff /* Nova does not support devices in PCI domains above this */
#define VFA_PROFILEID_MAX   39     /* bytes (libvirt: virNetDevVPortProfileParse()) */

/* A place in the configuration, for messages. */
struct vfa_where {
    const char *file; /* borrowed from the vfa_config */
    unsigned line;
};

struct vfa_address_pattern; /* an address string with wildcards, or four regular expressions */

enum {
    VFA_ID_ANY = -1,
    VFA_ID_NONE = -2, /* matches no device (Nova allows negative numbers) */
};

/* With mgmtdev, the spec allows vDPA devices only; with mdev_types or mdev_parent, mediated devices
 * only. Otherwise it allows PCI functions, and the vDPA devices of management devices on them. */
struct vfa_spec {
    int vendor;                          /* VFA_ID_ANY, VFA_ID_NONE or 16 bits */
    int product;                         /* likewise */
    struct vfa_address_pattern *address; /* NULL: any */
    char *devname;                       /* NULL: any; names a VF, or a PF and its VFs */
    char *mgmtdev;     /* NULL: any; a shell pattern for names of management devices */
    char **mdev_types; /* shell patterns for types of mediated devices; n_mdev_types 0: any */
    size_t n_mdev_types;
    char *mdev_parent;    /* NULL: any; a shell pattern for names of their parents */
    unsigned max_devices; /* of each maker (makers.h); 0: not given */
    char *clean;          /* the cleaner to run between owners (config/cleaner.h), or NULL */
    bool one_time_use;    /* quarantine the device after its first owner */
    struct vfa_tags tags;
    struct vfa_where where;
};

/* Whether the spec is about what makes devices: it has mgmtdev, mdev_types or mdev_parent. */
bool vfa_spec_names_makers(const struct vfa_spec *spec);

/* Nova's key live_migratable of the device_spec; false without spec. */
bool vfa_spec_live_migratable(const struct vfa_spec *spec);

enum vfa_numa_policy {
    VFA_NUMA_LEGACY, /* Nova's default: an unknown node is allowed */
    VFA_NUMA_REQUIRED,
    VFA_NUMA_PREFERRED,
    VFA_NUMA_SOCKET,
};

/* Convert to and from "legacy", "required", "preferred", "socket". parse returns 0 or -EINVAL. */
const char *vfa_numa_policy_name(enum vfa_numa_policy policy);
int vfa_numa_policy_parse(const char *text, enum vfa_numa_policy *ret) VFA_MUST_CHECK;

enum vfa_attach_failure {
    VFA_ATTACH_FAILURE_KEEP,    /* the guest keeps running without the device */
    VFA_ATTACH_FAILURE_DESTROY, /* vfaliasd destroys the guest */
};

/* One JSON object of an alias. Aliases with the same name are ORed: each is a choice. */
struct vfa_alias_choice {
    int vendor;           /* VFA_ID_ANY or 16 bits */
    int product;          /* likewise */
    struct vfa_tags tags; /* the device must have these */
    char *driver;         /* NULL: any */
    int64_t class;        /* -1: any; otherwise compared with the device's class >> class_shift */
    unsigned class_shift; /* 0, 8 or 16: the alias names three, two or one byte */
    char *mdev_type;      /* the type of mediated devices, as sysfs names it; else NULL */
    struct vfa_where where;
};

/* In which order devices of several PFs are chosen. */
enum vfa_strategy {
    VFA_STRATEGY_ADDRESS, /* by address */
    VFA_STRATEGY_SPREAD,  /* first from the PF with the fewest VFs in use */
    VFA_STRATEGY_PACK,    /* first from the PF with the most VFs in use and a free one */
};

enum vfa_settings_policy {
    VFA_SETTINGS_REQUIRED,    /* a device that refuses the settings is not given to a guest */
    VFA_SETTINGS_BEST_EFFORT, /* the device is given to the guest without the settings */
};

/* Keys that may be missing in some aliases of one name, but must not differ between them. */
enum vfa_alias_key {
    VFA_ALIAS_ATTACH,
    VFA_ALIAS_ON_ATTACH_FAILURE,
    VFA_ALIAS_ORDER,
    VFA_ALIAS_PERMIT,
    VFA_ALIAS_MAX_PER_DOMAIN,
    VFA_ALIAS_XML_NAME,
    VFA_ALIAS_HOLD,
    VFA_ALIAS_PROFILEID,
    VFA_ALIAS_SETTINGS,
    VFA_ALIAS_SETTINGS_POLICY,
    VFA_ALIAS_MANAGED,
    VFA_ALIAS_SYSFS,
    VFA_ALIAS_VDPA,
    VFA_ALIAS_EXISTING,
    VFA_ALIAS_KEYS
};

/* What a vDPA network device gets when it is made; 0: what the driver does by itself. */
struct vfa_vdpa_config {
    uint16_t max_vqp; /* 1 to VFA_VDPA_MAX_VQP: pairs of queues */
    uint16_t mtu;     /* VFA_VDPA_MIN_MTU to 65535 */
};
#define VFA_VDPA_MAX_VQP 0x8000 /* VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MAX */
#define VFA_VDPA_MIN_MTU 68     /* vdpa_nl_policy of the kernel; VIRTIO 1.1, 5.1.4.1 */

struct vfa_alias {
    char *name;
    char *xml_name; /* name in requests if libvirt does not allow `name`; or NULL */
    unsigned types; /* bits 1 << enum vfa_dev_type: types that the alias accepts; 0: no device */
    bool type_given;
    enum vfa_numa_policy numa;
    enum vfa_attach_kind attach;
    enum vfa_attach_failure on_attach_failure;
    enum vfa_strategy order;
    char **permit; /* domains that may use it: globs of names, and UUIDs; n_permit 0: all */
    size_t n_permit;
    unsigned max_per_domain; /* devices; 0: no limit */
    bool hold;               /* hold guests at power-on; default unless said[VFA_ALIAS_HOLD] */
    char *profileid;         /* port profile of 802.1Qbh, for interfaces; or NULL */
    struct vfa_vf_settings settings;
    enum vfa_settings_policy settings_policy;
    bool managed;                /* valid if said[VFA_ALIAS_MANAGED]; see vfa_alias_managed() */
    struct vfa_attribute *sysfs; /* written in this order before the guest has the device */
    size_t n_sysfs;
    struct vfa_vdpa_config vdpa;
    bool existing; /* devices that vfalias has not made are given to guests, too */
    char *bridge;  /* of VFA_ATTACH_BRIDGE; else NULL */
    char **any_of; /* a chain: names of other aliases, the first one to try first; else NULL */
    size_t n_any_of;
    struct vfa_where said[VFA_ALIAS_KEYS]; /* place of each key; file NULL: default */
    struct vfa_alias_choice *choices;
    size_t n_choices;
};

/* Whether the spec matches the PCI function; makers.h is about what makes devices. No spec matches a
 * device in a PCI domain above ffff, because Nova does not support it. */
bool vfa_spec_matches(const struct vfa_spec *spec, const struct vfa_inventory *inv,
                      const struct vfa_device *dev);

/* Whether libvirt shall bind the device of a hostdev or interface to vfio-pci and back: the key
 * managed of the alias, else Nova's key of the device_spec, else true. Both may be NULL. */
bool vfa_alias_managed(const struct vfa_alias *alias, const struct vfa_spec *spec);

void vfa_spec_clear(struct vfa_spec *spec);
void vfa_alias_clear(struct vfa_alias *alias);

/* Whether the name is [A-Za-z0-9_-]+, the characters that libvirt allows in a user alias. */
bool vfa_alias_name_ok(const char *name);

/* Whether the name of a cleaner is valid: [A-Za-z0-9_.-]+, up to 64 characters, not starting with
 * '.' or '-'. */
bool vfa_cleaner_name_ok(const char *name);

/* Compile an address string ("0000:0b:*.*", ":0b:", "0b") or object (one expression per field;
 * NULL: any). Free with vfa_address_pattern_free(). Errors name the field and the reason. */
int vfa_address_pattern_glob(const char *text, struct vfa_address_pattern **ret,
                             struct vfa_error *err);
int vfa_address_pattern_regex(const char *domain, const char *bus, const char *slot,
                              const char *function, struct vfa_address_pattern **ret,
                              struct vfa_error *err);
struct vfa_address_pattern *vfa_address_pattern_free(struct vfa_address_pattern *pattern);
VFA_DEFINE_AUTO(struct vfa_address_pattern, vfa_address_pattern_free);

/* Whether the pattern matches the address of the device, or, if it names one device, of its PF. */
bool vfa_address_pattern_matches(const struct vfa_address_pattern *pattern,
                                 const struct vfa_device *dev);

/* For warnings. is_any: the pattern matches any address (false for expressions). lacks_domain: only
 * a domain is missing to name one device and its VFs. */
bool vfa_address_pattern_is_any(const struct vfa_address_pattern *pattern);
bool vfa_address_pattern_lacks_domain(const struct vfa_address_pattern *pattern);

#endif
