/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys for devices that are made or prepared for a guest, in device_spec and alias: valid and
 * invalid values, keys that do not fit together, merging, chains, warnings, and the digest.
 *
 * ' stands for the " of JSON. SPECS(...) and ALIASES(...) make a file of one line.
 */

#include "base/common.h"
#include "base/error.h"
#include "spec/attach.h"
#include "config/config.h"
#include "config-case.h"

/* Replaces ' by ". */
static const char *json(const char *text)
{
    static char file[16384];
    size_t n = 0;

    for (; text[n] && n < sizeof(file) - 1; n++)
        file[n] = text[n] == '\'' ? '"' : text[n];
    file[n] = '\0';
    return file;
}

static void check_file(const char *text, const char *result, const char *what, size_t i)
{
    const struct text_case c = {json(text), result};

    check_case(&c, what, i);
}

/* ---- device_spec ---- */
static const struct text_case made_specs[] = {
    {"'mgmtdev': 'vdpasim_net'", "2 *:* mgmtdev vdpasim_net\n"},
    {"'mgmtdev': 'auxiliary/mlx5_core.sf.*', 'max_devices': 12000",
     "2 *:* mgmtdev auxiliary/mlx5_core.sf.* max 12000\n"},
    {"'mgmtdev': 'auxiliary/*', 'address': '0000:3b:00.0', 'vendor_id': '15b3'",
     "2 15b3:* @ mgmtdev auxiliary/*\n"},
    {"'mgmtdev': 'pci/0000:3b:00.[2-5]', 'physical_network': 'p', 'live_migratable': 'yes'",
     "2 *:* mgmtdev pci/0000:3b:00.[2-5] live_migratable=true physical_network=p\n"},
    {"'mgmtdev': ''", "!:2: cannot use mgmtdev '': a name or a pattern is wanted"},
    {"'mgmtdev': 'a[b'", "!:2: cannot use mgmtdev 'a[b': a '[' has no ']'"},
    {"'mgmtdev': 'a[]'", "!:2: cannot use mgmtdev 'a[]': a '[' has no ']'"},
    {"'mgmtdev': '[a]['", "!:2: cannot use mgmtdev '[a][': a '[' has no ']'"},
    {"'mgmtdev': '[!a'", "!:2: cannot use mgmtdev '[!a': a '[' has no ']'"},
    {"'mgmtdev': '[]a][!]]x]'", "2 *:* mgmtdev []a][!]]x]\n"},
    {"'mgmtdev': 'a b'", "!mgmtdev 'a b': a name or a pattern"},
    {"'mgmtdev': 'a\\\\b'", "!mgmtdev 'a\\b'"},
    {"'mgmtdev': 'a\\'b'", "!mgmtdev"},
    {"'mgmtdev': '\\u00e9'", "!mgmtdev"},
    {"'mgmtdev': '0123456789012345678901234567890123456789012345678901234567890123456789x'",
     "2 *:* mgmtdev 0123456789012345678901234567890123456789012345678901234567890123456789x\n"},
    {"'mgmtdev': '0123456789012345678901234567890123456789012345678901234567890123456789xy'",
     "!mgmtdev '0123"},
    {"'mgmtdev': ['vdpasim_net']", "!mgmtdev: it is not a string"},
    {"'mgmtdev': null, 'max_devices': null, 'mdev_types': null, 'mdev_parent': null", "2 *:*\n"},

    {"'max_devices': 1, 'mgmtdev': 'x'", "2 *:* mgmtdev x max 1\n"},
    {"'max_devices': '1000000', 'mgmtdev': 'x'", "2 *:* mgmtdev x max 1000000\n"},
    {"'max_devices': 0, 'mgmtdev': 'x'",
     "!max_devices '0': a whole number in 1 to 1000000 is wanted"},
    {"'max_devices': 1000001, 'mgmtdev': 'x'", "!max_devices '1000001'"},
    {"'max_devices': true, 'mgmtdev': 'x'", "!max_devices 'true'"},
    {"'max_devices': 4, 'address': '0000:3b:00.0'",
     "!:2: cannot use max_devices: it needs mgmtdev, mdev_types or mdev_parent"},

    {"'address': '0000:65:00.0', 'mdev_types': 'nvidia-63, nvidia-64'",
     "2 *:* @ type nvidia-63 type nvidia-64\n"},
    {"'mdev_types': '*', 'max_devices': 4", "2 *:* type * max 4\n"},
    {"'mdev_types': 'a,b['", "!:2: cannot use mdev_types 'b[': a '[' has no ']'"},
    {"'mdev_types': ''", "!:2: cannot use mdev_types '': a name or a pattern is wanted"},
    {"'mdev_types': 'a,'", "!mdev_types ''"},
    {"'mdev_types': 'a,,b'", "!mdev_types ''"},
    {"'mdev_types': 'a/b'", "!mdev_types 'a/b'"},
    {"'mdev_types': 'a b'", "!mdev_types 'a b'"},
    {"'mdev_types': ['a']", "!mdev_types: it is not a string"},

    {"'mdev_parent': 'mtty'", "2 *:* parent mtty\n"},
    {"'mdev_parent': 'mtty', 'mdev_types': 'mtty-2', 'vendor_id': '*'",
     "2 *:* type mtty-2 parent mtty\n"},
    {"'mdev_parent': ' '", "!mdev_parent ' '"},
    {"'mdev_parent': {}", "!mdev_parent: it is not a string"},

    /* together */
    {"'mgmtdev': 'x', 'mdev_types': 'y'", "!:2: cannot use mgmtdev with mdev_types: write one"},
    {"'mgmtdev': 'x', 'mdev_parent': 'y'", "!cannot use mgmtdev with mdev_parent"},
    {"'mdev_parent': 'x', 'vendor_id': '10de'",
     "!cannot use mdev_parent with vendor_id: a parent that is a PCI device needs no mdev_parent"},
    {"'mdev_parent': 'x', 'product_id': '1'", "!cannot use mdev_parent with product_id"},
    {"'mdev_parent': 'x', 'address': '3b:'", "!cannot use mdev_parent with address"},
    {"'mdev_parent': 'x', 'devname': 'eth0'", "!cannot use mdev_parent with devname"},
    {"'mgmtdev': 'x', 'clean': 'y'", "!cannot use clean with mgmtdev: a device that vfalias makes"},
    {"'mdev_types': 'x', 'one_time_use': 'yes'", "!cannot use one_time_use with mdev_types"},
    {"'mdev_parent': 'x', 'one_time_use': 'yes'", "!cannot use one_time_use with mdev_parent"},
    {"'mdev_types': 'x', 'one_time_use': 'no'", "2 *:* type x\n"},
};

static void test_specs(void)
{
    char text[512];

    for (size_t i = 0; i < ARRAY_SIZE(made_specs); i++) {
        snprintf(text, sizeof(text), "[pci]\ndevice_spec = {%s}\n", made_specs[i].text);
        check_file(text, made_specs[i].result, "spec", i);
    }
}

/* ---- alias: the keys behind the name; the result is what follows "n types " ---- */
#define PCI   "'vendor_id': '8086', 'product_id': '0443'"
#define VDPA  "'device_type': 'vdpa'"
#define BLOCK "'device_type': 'vdpa-block'"
#define MDEV  "'device_type': 'mdev', 'mdev_type': 't-1'"
static const struct text_case made_aliases[] = {
    /* the way to attach: given, or by device_type */
    {VDPA ", 'attach': 'vdpa'", "8 numa legacy vdpa\n  2 *:*\n"},
    {VDPA, "8 numa legacy vdpa\n  2 *:*\n"},
    {BLOCK ", 'attach': 'vdpa-disk'", "10 numa legacy vdpa-disk\n  2 *:*\n"},
    {BLOCK, "10 numa legacy vdpa-disk\n  2 *:*\n"},
    {MDEV ", 'attach': 'mdev'", "20 numa legacy mdev\n  2 *:* mdev t-1\n"},
    {MDEV, "20 numa legacy mdev\n  2 *:* mdev t-1\n"},
    {PCI, "5 numa legacy\n  2 8086:0443\n"},
    {VDPA ", 'attach': 'hostdev'",
     "!:2: cannot use attach 'hostdev': it is for device_type type-PCI, type-PF, type-VF"},
    {BLOCK ", 'attach': 'vdpa'", "!attach 'vdpa': it is for device_type vdpa"},
    {VDPA ", 'attach': 'vdpa-disk'", "!attach 'vdpa-disk': it is for device_type vdpa-block"},
    {MDEV ", 'attach': 'hostdev'", "!attach 'hostdev'"},
    {PCI ", 'attach': 'mdev'", "!attach 'mdev': it is for device_type mdev"},
    {PCI ", 'attach': 'vdpa'", "!attach 'vdpa': it is for device_type vdpa"},
    {PCI ", 'device_type': 'type-PF', 'attach': 'vdpa'", "!attach 'vdpa'"},
    {"'device_type': 'VDPA'",
     "!device_type 'VDPA': it is none of type-PCI, type-PF, type-VF, vdpa, mdev, vdpa-block"},

    /* what selects devices that are made: the device_type is enough */
    {VDPA ", 'vendor_id': '15b3'", "8 numa legacy vdpa\n  2 15b3:*\n"},
    {VDPA ", 'class': '02', 'driver': 'mlx5_core', 'numa_policy': 'socket', 'order': 'spread'",
     "8 numa socket vdpa spread\n  2 *:* class 2>>16 driver mlx5_core\n"},
    {MDEV ", 'live_migratable': 'yes'",
     "20 numa legacy mdev\n  2 *:* mdev t-1 live_migratable=true\n"},
    {"'device_type': 'type-VF'", "!vendor_id and product_id are wanted"},
    {"'attach': 'macvtap'", "!vendor_id and product_id are wanted"},

    /* mdev_type */
    {"'device_type': 'mdev'", "!:2: cannot use alias 'n': device_type mdev needs a mdev_type"},
    {"'device_type': 'mdev', 'mdev_type': ''", "!mdev_type '': the name of one type is wanted"},
    {"'device_type': 'mdev', 'mdev_type': 'a,b'", "!mdev_type 'a,b'"},
    {"'device_type': 'mdev', 'mdev_type': 'a/b'", "!mdev_type 'a/b'"},
    {"'device_type': 'mdev', 'mdev_type': 'nvidia-*'", "!mdev_type 'nvidia-*'"},
    {"'device_type': 'mdev', 'mdev_type': 63", "!mdev_type: it is not a string"},
    {"'device_type': 'mdev', 'mdev_type': null", "!mdev_type: it is not a string"},
    {VDPA ", 'mdev_type': 'x'",
     "!:2: cannot use key 'mdev_type' in an alias with device_type vdpa: it is for aliases with "
     "device_type mdev"},

    /* vdpa */
    {VDPA ", 'vdpa': {'max_vqp': 4, 'mtu': 9000}",
     "8 numa legacy vdpa max_vqp 4 mtu 9000\n  2 *:*\n"},
    {VDPA ", 'vdpa': {'max_vqp': '1'}", "8 numa legacy vdpa max_vqp 1\n  2 *:*\n"},
    {VDPA ", 'vdpa': {'max_vqp': 32768}", "8 numa legacy vdpa max_vqp 32768\n  2 *:*\n"},
    {VDPA ", 'vdpa': {'mtu': 68}", "8 numa legacy vdpa mtu 68\n  2 *:*\n"},
    {VDPA ", 'vdpa': {'mtu': 65535}", "8 numa legacy vdpa mtu 65535\n  2 *:*\n"},
    {VDPA ", 'vdpa': {'max_vqp': 0}", "!max_vqp '0': a whole number in 1 to 32768 is wanted"},
    {VDPA ", 'vdpa': {'max_vqp': 32769}", "!max_vqp '32769'"},
    {VDPA ", 'vdpa': {'mtu': 67}", "!mtu '67': a whole number in 68 to 65535 is wanted"},
    {VDPA ", 'vdpa': {'mtu': 65536}", "!mtu '65536'"},
    {VDPA ", 'vdpa': {'mtu': null}", "!mtu 'null'"},
    {VDPA ", 'vdpa': {'mac': '52:54:00:01:02:03'}",
     "!:2: cannot use vdpa: key 'mac' is none of max_vqp, mtu"},
    {VDPA ", 'vdpa': {}", "!cannot use vdpa: an object with max_vqp or mtu is wanted"},
    {VDPA ", 'vdpa': [4]", "!cannot use vdpa: an object"},
    {VDPA ", 'vdpa': null", "!cannot use vdpa: an object"},
    {BLOCK ", 'vdpa': {'mtu': 1500}",
     "!key 'vdpa' in an alias with device_type vdpa-block: it is for aliases with device_type "
     "vdpa"},
    {PCI ", 'vdpa': {'mtu': 1500}", "!key 'vdpa' in an alias with PCI devices"},

    /* existing */
    {VDPA ", 'existing': true", "8 numa legacy vdpa existing 1\n  2 *:*\n"},
    {BLOCK ", 'existing': 'yes'", "10 numa legacy vdpa-disk existing 1\n  2 *:*\n"},
    {MDEV ", 'existing': false", "20 numa legacy mdev existing 0\n  2 *:* mdev t-1\n"},
    {VDPA ", 'existing': 'always'", "!existing 'always': true, false"},
    {PCI ", 'existing': true",
     "!key 'existing' in an alias with PCI devices: it is for aliases with device_type vdpa, "
     "device_type vdpa-block, device_type mdev"},

    /* managed */
    {PCI ", 'managed': 'no'", "5 numa legacy managed 0\n  2 8086:0443\n"},
    {PCI ", 'managed': true, 'attach': 'interface'",
     "5 numa legacy interface managed 1\n  2 8086:0443\n"},
    {PCI ", 'managed': 'off'", "!managed 'off': true, false, \"yes\" or \"no\" is wanted"},
    {PCI ", 'managed': 1", "!managed '1'"},
    {"'managed': 'no'", "!vendor_id and product_id are wanted"},
    {VDPA ", 'managed': 'no'",
     "!key 'managed' in an alias with device_type vdpa: it is for aliases with PCI devices"},
    {MDEV ", 'managed': 'no'", "!key 'managed' in an alias with device_type mdev"},

    /* sysfs */
    {PCI ", 'sysfs': {'nvidia/current_vgpu_type': '742', 'a': ' x '}",
     "5 numa legacy sysfs nvidia/current_vgpu_type=742 sysfs a= x \n  2 8086:0443\n"},
    {PCI ", 'sysfs': {'b': '1', 'a': '2'}", "5 numa legacy sysfs b=1 sysfs a=2\n  2 8086:0443\n"},
    {MDEV ", 'sysfs': {'vendor/params': 'x=1,y=2'}",
     "20 numa legacy mdev sysfs vendor/params=x=1,y=2\n  2 *:* mdev t-1\n"},
    {PCI ", 'sysfs': {'/sys/x': '1'}",
     "!:2: cannot use sysfs '/sys/x': a name relative to the folder of the device is wanted"},
    {PCI ", 'sysfs': {'a/../b': '1'}", "!sysfs 'a/../b': '.' and '..' are not allowed"},
    {PCI ", 'sysfs': {'nvidia/remove': '1'}",
     "!sysfs 'nvidia/remove': it makes or removes devices"},
    {PCI ", 'sysfs': {'a': '', 'b': 742}", "5 numa legacy sysfs a= sysfs b=742\n  2 8086:0443\n"},
    {PCI ", 'sysfs': {'a': null}", "!sysfs 'a': its value is a text or a whole number"},
    {PCI ", 'sysfs': {'a': ['x']}", "!sysfs 'a': its value is a text or a whole number"},
    {PCI ", 'sysfs': {}", "!cannot use sysfs: an object with 1 to 32 attributes is wanted"},
    {PCI ", 'sysfs': 'a=1'", "!cannot use sysfs: an object"},
    {VDPA ", 'sysfs': {'a': '1'}", "!key 'sysfs' in an alias with device_type vdpa"},

    /* what devices that are made cannot have */
    {VDPA ", 'settings': {'vlan': 5}", "!key 'settings' in an alias with device_type vdpa"},
    {MDEV ", 'settings_policy': 'required'", "!key 'settings_policy' in an alias with"},
    {VDPA ", 'profileid': 'x'", "!key 'profileid' in an alias with device_type vdpa"},

    /* bridge */
    {"'attach': 'bridge', 'bridge': 'br0', 'permit': 'x', 'max_per_domain': 2, 'hold': false, "
     "'xml_name': 'b', 'on_attach_failure': 'destroy'",
     "0 numa legacy bridge destroy <x> max 2 = b hold 0 bridge br0\n  2 *:*\n"},
    {"'attach': 'bridge'", "!:2: cannot use alias 'n': attach bridge needs the key bridge"},
    {"'bridge': 'br0'",
     "!key 'bridge' in an alias with PCI devices: it is for aliases with attach bridge"},
    {"'attach': 'bridge', 'bridge': 'a234567890123456'",
     "!bridge 'a234567890123456': it is not a valid name of a bridge"},
    {"'attach': 'bridge', 'bridge': 'a23456789012345'",
     "0 numa legacy bridge bridge a23456789012345\n  2 *:*\n"},
    {"'attach': 'bridge', 'bridge': ''", "!bridge ''"},
    {"'attach': 'bridge', 'bridge': 'a/b'", "!bridge 'a/b'"},
    {"'attach': 'bridge', 'bridge': 5", "!bridge: it is not a string"},
    {"'attach': 'bridge', 'bridge': 'br0', 'vendor_id': '8086'",
     "!key 'vendor_id' in an alias with attach bridge: it is for aliases with PCI devices, "
     "device_type vdpa, device_type vdpa-block, device_type mdev"},
    {"'attach': 'bridge', 'bridge': 'br0', 'physical_network': 'p'",
     "!key 'physical_network' in an alias with attach bridge"},
    {"'attach': 'bridge', 'bridge': 'br0', 'device_type': 'vdpa'", "!key 'device_type' in an"},
    {"'attach': 'bridge', 'bridge': 'br0', 'order': 'pack'", "!key 'order' in an alias"},
    {"'attach': 'bridge', 'bridge': 'br0', 'numa_policy': 'legacy'", "!key 'numa_policy' in an"},

    /* any_of, alone */
    {"'any_of': 'n'", "!:2: cannot use any_of: an array of 1 to 16 names of aliases is wanted"},
    {"'any_of': []", "!any_of: an array"},
    {"'any_of': ['1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17']",
     "!any_of: an array"},
    {"'any_of': ['a', 'a']", "!any_of: 'a' is there twice"},
    {"'any_of': [5]", "!any_of: it is not a string"},
    {"'any_of': null", "!any_of: an array"},
    {"'any_of': ['x'], 'vendor_id': '8086'", "!key 'vendor_id' in an alias with any_of"},
    {"'any_of': ['x'], 'attach': 'bridge'", "!key 'attach' in an alias with any_of"},
    {"'any_of': ['x'], 'device_type': 'type-VF'", "!key 'device_type' in an alias with any_of"},
    {"'any_of': ['x'], 'settings': {'vlan': 5}", "!key 'settings' in an alias with any_of"},
    {"'any_of': ['x'], 'managed': 'no'", "!key 'managed' in an alias with any_of"},
    {"'any_of': ['x']", "!:2: cannot use any_of: there is no alias 'x'"},
    {"'any_of': ['n']", "!:2: cannot use any_of: alias 'n' has any_of itself (/tmp/"},
};

static void test_aliases(void)
{
    char text[1024], result[256];

    for (size_t i = 0; i < ARRAY_SIZE(made_aliases); i++) {
        const char *want = made_aliases[i].result;

        snprintf(text, sizeof(text), "[pci]\nalias = {'name': 'n', %s}\n", made_aliases[i].text);
        snprintf(result, sizeof(result), "%s%s", *want == '!' ? "" : "n types ", want);
        check_file(text, result, "alias", i);
    }
}

/* The limits of sysfs: the number of attributes, and the length of a value. */
static void test_sysfs_limits(void)
{
    static char text[16384], value[4097];

    for (int n = 32; n <= 33; n++) {
        VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
        size_t len = (size_t)snprintf(text, sizeof(text),
                                      "[pci]\nalias = {'name': 'n', " PCI ", 'sysfs': {'a0': '1'");

        for (int i = 1; i < n; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, ", 'a%d': '1'", i);
        snprintf(text + len, sizeof(text) - len, "}}\n");
        write_file(path, json(text));
        CHECK(vfa_config_load(path, &config, NULL) == (n > 32 ? -EINVAL : 0), "%d attributes", n);
    }
    for (size_t n = 4095; n <= 4096; n++) {
        VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

        memset(value, 'x', n);
        snprintf(text, sizeof(text),
                 "[pci]\nalias = {'name': 'n', " PCI ", 'sysfs': {'a': '%s'}}\n", value);
        write_file(path, json(text));
        CHECK(vfa_config_load(path, &config, NULL) == (n > 4095 ? -EINVAL : 0), "%zu bytes", n);
        CHECK(!config || strlen(config->aliases[0].sysfs[0].value) == n, "%zu bytes", n);
    }
}

/* ---- several aliases ---- */
#define TWO(keys1, keys2)                                                                          \
    "[pci]\nalias = {'name': 'n', " keys1 "}\nalias = {'name': 'n', " keys2 "}\n"
#define OTHER(key) "!:3: cannot use alias 'n': it has another " key " than at /tmp/"
#define ALONE      "!:3: cannot use alias 'n': an alias with any_of or attach bridge cannot be merged"
static const struct text_case several[] = {
    /* types of mediated devices are choices */
    {TWO(MDEV, "'device_type': 'mdev', 'mdev_type': 't-2', 'max_per_domain': 1"),
     "n types 20 numa legacy mdev max 1\n  2 *:* mdev t-1\n  3 *:* mdev t-2\n"},
    /* a key that only one of them has applies to both */
    {TWO(PCI ", 'sysfs': {'a': '1'}", PCI ", 'managed': 'no'"),
     "n types 5 numa legacy managed 0 sysfs a=1\n  2 8086:0443\n  3 8086:0443\n"},
    {TWO(PCI, PCI ", 'sysfs': {'a': '1', 'b': '2'}"),
     "n types 5 numa legacy sysfs a=1 sysfs b=2\n  2 8086:0443\n  3 8086:0443\n"},
    {TWO(VDPA ", 'existing': true", VDPA ", 'attach': 'vdpa', 'vdpa': {'mtu': 1500}"),
     "n types 8 numa legacy vdpa existing 1 mtu 1500\n  2 *:*\n  3 *:*\n"},
    /* both may have a key with equal values */
    {TWO(PCI ", 'sysfs': {'a': '1'}, 'managed': 'no'",
         PCI ", 'sysfs': {'a': '1'}, 'managed': false"),
     "n types 5 numa legacy managed 0 sysfs a=1\n  2 8086:0443\n  3 8086:0443\n"},
    /* but not with different values */
    {TWO(PCI ", 'sysfs': {'a': '1'}", PCI ", 'sysfs': {'a': '2'}"), OTHER("sysfs")},
    {TWO(PCI ", 'sysfs': {'a': '1'}", PCI ", 'sysfs': {'a': '1', 'b': '1'}"), OTHER("sysfs")},
    {TWO(PCI ", 'sysfs': {'a': '1', 'b': '1'}", PCI ", 'sysfs': {'b': '1', 'a': '1'}"),
     OTHER("sysfs")},
    {TWO(PCI ", 'managed': 'no'", PCI ", 'managed': 'yes'"), OTHER("managed")},
    {TWO(VDPA ", 'vdpa': {'mtu': 1500}", VDPA ", 'vdpa': {'mtu': 1500, 'max_vqp': 1}"),
     OTHER("vdpa")},
    {TWO(VDPA ", 'existing': true", VDPA ", 'existing': false"), OTHER("existing")},
    {TWO(VDPA, BLOCK), OTHER("device_type")},
    {TWO(VDPA, PCI), OTHER("device_type")},
    /* aliases without devices stand alone */
    {TWO("'attach': 'bridge', 'bridge': 'br0'", "'attach': 'bridge', 'bridge': 'br0'"), ALONE},
    {TWO(PCI, "'attach': 'bridge', 'bridge': 'br0'"), ALONE},
    {TWO("'any_of': ['x']", PCI), ALONE},
    {TWO(PCI, "'any_of': ['x']"), ALONE},
    /* chains: members may come later, may be named by xml_name, and may have any attach */
    {"[pci]\nalias = {'name': 'f', 'any_of': ['v', 'x', 'b']}\nalias = {'name': 'v', " VDPA "}\n"
     "alias = {'name': 'n', " PCI ", 'xml_name': 'x'}\n"
     "alias = {'name': 'b', 'attach': 'bridge', 'bridge': 'br0'}\n",
     "f types 0 numa legacy any_of v x b\n  2 *:*\nv types 8 numa legacy vdpa\n  3 *:*\n"
     "n types 5 numa legacy = x\n  4 8086:0443\nb types 0 numa legacy bridge bridge br0\n"
     "  5 *:*\n"},
    {"[pci]\nalias = {'name': 'f', 'any_of': ['v', 'w']}\nalias = {'name': 'v', " VDPA "}\n",
     "!:2: cannot use any_of: there is no alias 'w'"},
    {"[pci]\nalias = {'name': 'f', 'any_of': ['v', 'g']}\nalias = {'name': 'v', " VDPA "}\n"
     "alias = {'name': 'g', 'any_of': ['v']}\n",
     "!:2: cannot use any_of: alias 'g' has any_of itself (/tmp/"},
};

static void test_chained(void)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

    write_file(path, json(several[ARRAY_SIZE(several) - 3].text));
    CHECK(vfa_config_load(path, &config, NULL) == 0 && config->n_aliases == 4, "");
    for (size_t i = 0; config && i < config->aliases[0].n_any_of; i++)
        CHECK(vfa_config_chained(config, &config->aliases[0], i) == &config->aliases[1 + i], "%zu",
              i);
}

/* ---- warnings ---- */
static const struct warning_case warnings[] = {
    {"[pci]\ndevice_spec = {'mgmtdev': 'x'}\nalias = {'name': 'n', " VDPA "}\n", NULL},
    {"[pci]\ndevice_spec = {'vendor_id': '15b3'}\nalias = {'name': 'n', " BLOCK "}\n", NULL},
    {"[pci]\nalias = {'name': 'n', " VDPA "}\n",
     ":2: alias 'n' wants vDPA devices, which no device_spec allows: it matches no device"},
    {"[pci]\ndevice_spec = {'mdev_types': 't-1'}\nalias = {'name': 'n', " BLOCK "}\n",
     "wants vDPA devices, which no device_spec allows"},
    {"[pci]\ndevice_spec = {'mdev_types': 't-1'}\nalias = {'name': 'n', " MDEV "}\n", NULL},
    {"[pci]\ndevice_spec = {'mdev_parent': 'mtty'}\nalias = {'name': 'n', " MDEV "}\n", NULL},
    {"[pci]\ndevice_spec = {'mdev_types': 't-*'}\nalias = {'name': 'n', " MDEV "}\n", NULL},
    {"[pci]\ndevice_spec = {'vendor_id': '15b3'}\nalias = {'name': 'n', " MDEV "}\n",
     ":3: alias 'n' wants mdev_type 't-1', which no device_spec allows: it matches no device"},
    {"[pci]\ndevice_spec = {'mdev_types': 't-2'}\nalias = {'name': 'n', " MDEV "}\n",
     "wants mdev_type 't-1'"},
    {"[pci]\ndevice_spec = {'mgmtdev': 'x', 'managed': 'no'}\n",
     ":2: managed has no effect here: only PCI devices"},
    {"[pci]\ndevice_spec = {'vendor_id': '1', 'managed': 'no'}\n", NULL},
    {"[pci]\ndevice_spec = {'vendor_id': '1', 'mdev_type': 't'}\n", "'mdev_types' is meant?"},
    {"[pci]\ndevice_spec = {'vendor_id': '1', 'max_instances': '1'}\n", "'max_devices' is meant?"},
    {"[pci]\ndevice_spec = {'vendor_id': '1', 'MgmtDev': 'x'}\n", "'mgmtdev' is meant?"},
    {"[pci]\ndevice_spec = {'vendor_id': '1', 'vdpa': 'x'}\n", "it is a key of an alias"},
    {"[pci]\ndevice_spec = {'vendor_id': '1', 'any_of': 'x'}\n", "it is a key of an alias"},
    {"[pci]\nalias = {'name': 'b', 'attach': 'bridge', 'bridge': 'br0'}\n"
     "alias = {'name': 'n', " PCI "}\nalias = {'name': 'f', 'any_of': ['n', 'b']}\n",
     NULL},
    {"[pci]\nalias = {'name': 'b', 'attach': 'bridge', 'bridge': 'br0'}\n"
     "alias = {'name': 'n', " PCI "}\nalias = {'name': 'f', 'any_of': ['b', 'n']}\n",
     ":4: alias 'f': nothing behind 'b' in any_of is ever tried, as a bridge is always free"},
};

static void test_warnings(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(warnings); i++) {
        const struct warning_case c = {json(warnings[i].text), warnings[i].warning};

        check_warning(&c, i);
    }
}

/* ---- the digest: each key that decides what an alias has makes a new index ---- */
static void test_made_digest(void)
{
    static const char *const texts[] = {
        "'mgmtdev': 'x'",    "'mgmtdev': 'y'",     "'mgmtdev': 'x', 'max_devices': 2",
        "'mdev_types': 'x'", "'mdev_parent': 'x'", "'mdev_parent': 'x', 'mdev_types': 'x'",
    };
    char digests[ARRAY_SIZE(texts)][VFA_CONFIG_DIGEST_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
        char text[256];

        snprintf(text, sizeof(text), "[pci]\ndevice_spec = {%s}\n", texts[i]);
        write_file(path, json(text));
        CHECK(vfa_config_load(path, &config, NULL) == 0, "%s", texts[i]);
        snprintf(digests[i], sizeof(digests[i]), "%s", config ? config->digest : "");
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(digests[i], digests[j]) != 0, "%s, %s", texts[i], texts[j]);
    }
}

int main(void)
{
    make_folder();
    test_specs();
    test_aliases();
    test_sysfs_limits();
    for (size_t i = 0; i < ARRAY_SIZE(several); i++)
        check_file(several[i].text, several[i].result, "several", i);
    test_chained();
    test_warnings();
    test_made_digest();
    remove_folder();
    return check_result();
}
