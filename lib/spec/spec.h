/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device_spec and alias: which devices may be given out, and what a name stands for. Pure: plain
 * structs in, verdicts out; vfa_config_load() reads the text forms.
 *
 * The rules are those of Nova's nova/pci/devspec.py, nova/pci/request.py and nova/pci/stats.py.
 */
#ifndef VFA_SPEC_SPEC_H
#define VFA_SPEC_SPEC_H

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/inventory.h"
#include "device/vf-settings.h"

#define VFA_NOVA_DOMAIN_MAX 0xffff /* Nova knows no device in a PCI domain above that */
#define VFA_PROFILEID_MAX   39     /* bytes (libvirt: virNetDevVPortProfileParse()) */

/* Where in the configuration something was said, for messages. */
struct vfa_where {
    const char *file; /* borrowed from the vfa_config */
    unsigned line;
};

struct vfa_address_pattern; /* an address string with wildcards, or four regular expressions (PCRE2)
                             */

enum {
    VFA_ID_ANY = -1,
    VFA_ID_NONE = -2, /* a number that no device can have (Nova takes negative ones) */
};

struct vfa_spec {
    int vendor;                          /* VFA_ID_ANY, VFA_ID_NONE or 16 bits */
    int product;                         /* likewise */
    struct vfa_address_pattern *address; /* NULL: any */
    char *devname;                       /* NULL: any; names a VF, or a PF and its VFs */
    char *clean;       /* the cleaner to run between owners (cleaner.h), or NULL */
    bool one_time_use; /* after its first owner it is in quarantine */
    struct vfa_tags tags;
    struct vfa_where where;
};

enum vfa_numa_policy {
    VFA_NUMA_LEGACY, /* Nova's default: nothing known is fine */
    VFA_NUMA_REQUIRED,
    VFA_NUMA_PREFERRED,
    VFA_NUMA_SOCKET,
};

/* "legacy", "required", "preferred", "socket", and back: 0 or -EINVAL. */
const char *vfa_numa_policy_name(enum vfa_numa_policy policy);
int vfa_numa_policy_parse(const char *text, enum vfa_numa_policy *ret) VFA_MUST_CHECK;

enum vfa_attach_kind {
    VFA_ATTACH_HOSTDEV,   /* <hostdev mode='subsystem' type='pci'> */
    VFA_ATTACH_INTERFACE, /* <interface type='hostdev'>, for network VFs */
    VFA_ATTACH_MACVTAP,   /* <interface type='direct' mode='passthrough'> on the VF's netdev */
};

enum vfa_attach_failure {
    VFA_ATTACH_FAILURE_KEEP,    /* the guest runs on without the device */
    VFA_ATTACH_FAILURE_DESTROY, /* the guest is destroyed */
};

/* One JSON object of an alias; aliases of one name are ORed. */
struct vfa_alias_choice {
    int vendor;           /* VFA_ID_ANY or 16 bits */
    int product;          /* likewise */
    struct vfa_tags tags; /* to require of the device's tags */
    char *driver;         /* NULL: any */
    int64_t class;        /* -1: any; else compared with class >> class_shift */
    unsigned class_shift; /* 0, 8 or 16: three, two or one byte given */
    struct vfa_where where;
};

/* How the VFs of several PFs are used up. */
enum vfa_strategy {
    VFA_STRATEGY_ADDRESS, /* by address */
    VFA_STRATEGY_SPREAD,  /* from the PF with the fewest VFs in use */
    VFA_STRATEGY_PACK,    /* from the PF with the most VFs in use that has a free one */
};

enum vfa_settings_policy {
    VFA_SETTINGS_REQUIRED,    /* a device that does not take the settings is not given out */
    VFA_SETTINGS_BEST_EFFORT, /* it is, without them */
};

/* What the aliases of one name need not all say, but must not contradict each other in. */
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
    VFA_ALIAS_KEYS
};

struct vfa_alias {
    char *name;
    char *xml_name; /* what requests may call it, where its name is none for libvirt; or NULL */
    unsigned types; /* bit 1 << enum vfa_dev_type: those that the alias takes */
    bool type_given;
    enum vfa_numa_policy numa;
    enum vfa_attach_kind attach;
    enum vfa_attach_failure on_attach_failure;
    enum vfa_strategy order;
    char **permit; /* domains that may ask: globs of names, and UUIDs; n_permit 0: all */
    size_t n_permit;
    unsigned max_per_domain; /* devices; 0: no limit */
    bool hold;               /* whether guests wait for it at power-on; counts only if said */
    char *profileid;         /* of an 802.1Qbh port profile, for interfaces; or NULL */
    struct vfa_vf_settings settings;
    enum vfa_settings_policy settings_policy;
    struct vfa_where said[VFA_ALIAS_KEYS]; /* where it was; file NULL: nowhere, the default holds */
    struct vfa_alias_choice *choices;
    size_t n_choices;
};

/* True if the device is what the spec says. Devices in PCI domains above ffff are none that Nova
 * knows: no spec matches them. */
bool vfa_spec_matches(const struct vfa_spec *spec, const struct vfa_inventory *inv,
                      const struct vfa_device *dev);

/* vfa_alias_matches_driver() but for the driver, which changes while a guest has the device. */
bool vfa_alias_selects(const struct vfa_alias *alias, const struct vfa_device *dev,
                       const struct vfa_spec *spec);

/* True if a device that is allowed by `spec` (NULL: no device_spec at all) is one that the alias
 * means. No spec counts as no tags. The values of tags are compared without regard to case, and a
 * device whose tag remote_managed says true is only for aliases that ask for it (nova/pci/utils.py,
 * stats.py). */
bool vfa_alias_matches_driver(const struct vfa_alias *alias, const struct vfa_device *dev,
                              const struct vfa_spec *spec);

void vfa_spec_clear(struct vfa_spec *spec);
void vfa_alias_clear(struct vfa_alias *alias);

/* True for [A-Za-z0-9_-]+, what libvirt lets a user alias be made of: a request may be named so. */
bool vfa_alias_name_ok(const char *name);

/* The name of a cleaner: true for [A-Za-z0-9_.-]+, not hidden, no option, shorter than a file name
 * may be. */
bool vfa_cleaner_name_ok(const char *name);

/* Compiles an address string ("0000:0b:*.*", ":0b:", "0b") resp. object (one pattern per field;
 * NULL: any). Free with vfa_address_pattern_free(). The errors say what is wrong with which field.
 */
int vfa_address_pattern_glob(const char *text, struct vfa_address_pattern **ret,
                             struct vfa_error *err);
int vfa_address_pattern_regex(const char *domain, const char *bus, const char *slot,
                              const char *function, struct vfa_address_pattern **ret,
                              struct vfa_error *err);
struct vfa_address_pattern *vfa_address_pattern_free(struct vfa_address_pattern *pattern);
VFA_DEFINE_AUTO(struct vfa_address_pattern, vfa_address_pattern_free);

/* True if dev's own address or (all four fields given) its PF's is what the pattern says. */
bool vfa_address_pattern_matches(const struct vfa_address_pattern *pattern,
                                 const struct vfa_device *dev);

/* For warnings: any address at all (never true of expressions); or only the domain is missing to
 * name one device, and by that its VFs. */
bool vfa_address_pattern_is_any(const struct vfa_address_pattern *pattern);
bool vfa_address_pattern_lacks_domain(const struct vfa_address_pattern *pattern);

#endif
