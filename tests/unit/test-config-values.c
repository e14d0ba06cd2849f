/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values of device_spec, alias and sriov_numvfs: valid and invalid values, and warnings. */

#include "base/common.h"
#include "config-case.h"

/* ---- device_spec ---- */
static const struct text_case specs[] = {
    {SPEC("{\"vendor_id\": \"8086\", \"product_id\": \"0443\"}"), "2 8086:0443\n"},
    {SPEC("{\"vendor_id\": \" 0x8086 \", \"product_id\": \"2\"}"), "2 8086:0002\n"},
    {SPEC("{\"vendor_id\": \"*\", \"product_id\": \"*\"}"), "2 *:*\n"},
    {SPEC("{\"vendor_id\": \" * \"}"), "2 *:*\n"},
    {SPEC("{\"product_id\": \" * \"}"), "!product_id ' * ': it is not a hexadecimal number"},
    {SPEC("{\"vendor_id\": \"-1\", \"product_id\": \"-0\"}"), "2 none:0000\n"},
    {SPEC("{\"vendor_id\": \"10000\"}"), "!vendor_id '10000': it is larger than ffff"},
    {SPEC("{\"vendor_id\": \"\"}"), "!vendor_id '': it is not a hexadecimal number"},
    {SPEC("{\"vendor_id\": \"8086,15b3\"}"), "!it is not a hexadecimal number"},
    {SPEC("{\"vendor_id\": \"80*\"}"), "!it is not a hexadecimal number"},
    {SPEC("{\"vendor_id\": 8086}"), "!vendor_id 8086: hexadecimal digits in double quotes"},
    {SPEC("{\"product_id\": null}"), "!product_id null: hexadecimal digits in double quotes"},
    {SPEC("{\"product_id\": [\"1\"]}"), "!hexadecimal digits in double quotes"},
    {SPEC("{\"address\": \"0b:00.0\"}"), "2 *:* @\n"},
    {SPEC("{\"address\": {\"bus\": \"0b\", \"foo\": 5}}"), "2 *:* @\n"},
    {SPEC("{\"address\": \"0b:00.x\"}"), "!:2: cannot read address '0b:00.x': function 'x'"},
    {SPEC("{\"address\": {\"bus\": \"*\"}}"), "!:2: cannot use regular expression '*' for bus"},
    {SPEC("{\"address\": {\"bus\": 5}}"), "!address: bus is not a string"},
    {SPEC("{\"address\": {\"slot\": null}}"), "!address: slot is not a string"},
    {SPEC("{\"address\": 5}"), "!neither a string nor an object"},
    {SPEC("{\"address\": [\"0b:00.0\"]}"), "!neither a string nor an object"},
    {SPEC("{\"address\": true}"), "!neither a string nor an object"},
    {SPEC("{\"address\": null}"), "2 *:*\n"},
    {SPEC("{\"address\": \"\", \"devname\": \"eth0\"}"), "2 *:* [eth0]\n"},
    {SPEC("{\"address\": {}, \"devname\": \"eth0\"}"), "2 *:* [eth0]\n"},
    {SPEC("{\"address\": \"*\", \"devname\": \"\"}"), "2 *:* @\n"},
    {SPEC("{\"address\": \"*\", \"devname\": null}"), "2 *:* @\n"},
    {SPEC("{\"address\": \"*\", \"devname\": \"eth0\"}"), "!both address and devname"},
    {SPEC("{\"devname\": \"eth0\", \"address\": {\"bus\": \"0b\"}}"), "!both address and devname"},
    {SPEC("{\"devname\": 5}"), "2 *:* [5]\n"},
    /* tags */
    {SPEC("{\"b\": \"2\", \"a\": \"1\", \"A\": \"\"}"), "2 *:* A= a=1 b=2\n"},
    {SPEC("{\"n\": 7, \"x\": 1.50, \"t\": true, \"o\": {\"p\": [1]}, \"z\": null}"),
     "2 *:* n=7 o={\"p\":[1]} t=true x=1.50\n"},
    {SPEC("{\"managed\": \" Yes \", \"live_migratable\": false, \"one_time_use\": 0}"),
     "2 *:* live_migratable=false managed=true\n"},
    {SPEC("{\"one_time_use\": \"On\", \"rack\": \"7\"}"), "2 *:* once rack=7\n"},
    {SPEC("{\"one_time_use\": null, \"clean\": null}"), "2 *:*\n"},
    {SPEC("{\"clean\": \"nvme-format_2.sh\"}"), "2 *:* clean nvme-format_2.sh\n"},
    {SPEC("{\"clean\": \"\"}"), "!clean '': the name of a program is wanted"},
    {SPEC("{\"clean\": true}"), "!clean 'true'"},
    {SPEC("{\"clean\": \".hidden\"}"), "!clean '.hidden'"},
    {SPEC("{\"clean\": \"-x\"}"), "!clean '-x'"},
    {SPEC("{\"clean\": \"../sh\"}"), "!clean '../sh'"},
    {SPEC("{\"clean\": \"a b\"}"), "!clean 'a b'"},
    {SPEC("{\"managed\": null, \"trusted\": \"Maybe\", \"Managed\": \"x\"}"),
     "2 *:* Managed=x trusted=Maybe\n"},
    {SPEC("{\"managed\": \"maybe\"}"), "!managed 'maybe': it is neither true nor false"},
    {SPEC("{\"managed\": \"\"}"), "!neither true nor false"},
    {SPEC("{\"live_migratable\": 2}"), "!live_migratable '2'"},
    {SPEC("{\"one_time_use\": []}"), "!one_time_use '[]'"},
    {SPEC("{\"device_id\": \"1\", \"class\": \"0200\"}"), "2 *:* class=0200 device_id=1\n"},
};

/* ---- alias ---- */
static const struct text_case aliases[] = {
    {ALIAS("{\"name\": \"q\", " IDS "}"), "q types 5 numa legacy\n  2 8086:0443\n"},
    {ALIAS("{\"name\": \" q \", \"vendor_id\": \"15B3\", \"product_id\": \"101E\"}"),
     "q types 5 numa legacy\n  2 15b3:101e\n"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"device_type\": \"type-PCI\"}"),
     "q types 1 numa legacy\n  2 8086:0443\n"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"device_type\": \"type-PF\", \"numa_policy\": \"socket\"}"),
     "q types 2 numa socket\n  2 8086:0443\n"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"device_type\": \"type-VF\", \"numa_policy\": "
           "\"required\", \"capability_type\": \"pci\", \"resource_class\": \"X\", \"traits\": "
           "\"a,b\", \"live_migratable\": \"ON\"}"),
     "q types 4 numa required\n  2 8086:0443 live_migratable=true\n"},
    {"[DEFAULT]\npci_alias = {\"name\": \"r\", " IDS "}\n[pci]\nalias = {\"name\": \"q\", " IDS
     "}\n",
     "r types 5 numa legacy\n  2 8086:0443\nq types 5 numa legacy\n  4 8086:0443\n"},
    /* Nova's errors */
    {ALIAS("{" IDS "}"), "!cannot use alias: it has no name"},
    {ALIAS("{}"), "!cannot use alias: it has no name"},
    {ALIAS("{\"name\": \"\", " IDS "}"), "!name '': 1 to 256 characters"},
    {ALIAS("{\"name\": 5, " IDS "}"), "!name: it is not a string"},
    {ALIAS("{\"name\": \"q\"}"), "!alias 'q': vendor_id and product_id are wanted"},
    {ALIAS("{\"name\": \"q\", \"vendor_id\": \"8086\"}"), "!vendor_id and product_id are wanted"},
    {ALIAS("{\"name\": \"q\", \"resource_class\": \"X\", \"traits\": \"a\"}"), "!are wanted"},
    {ALIAS("{\"name\": \"q\", \"live_migratable\": \"yes\"}"), "!are wanted"},
    {ALIAS("{\"name\": \"q\", \"device_type\": \"type-VF\"}"), "!are wanted"},
    {ALIAS("{\"name\": \"q\", \"vendor_id\": \"0x8086\", \"product_id\": \"0443\"}"),
     "!vendor_id '0x8086': exactly four hexadecimal digits"},
    {ALIAS("{\"name\": \"q\", \"vendor_id\": \"0x86\", \"product_id\": \"0443\"}"), "!four"},
    {ALIAS("{\"name\": \"q\", \"vendor_id\": \" 8086\", \"product_id\": \"0443\"}"), "!four"},
    {ALIAS("{\"name\": \"q\", \"vendor_id\": \"8086\", \"product_id\": \"443\"}"), "!four"},
    {ALIAS("{\"name\": \"q\", \"vendor_id\": \"*\", \"product_id\": \"0443\"}"), "!four"},
    {ALIAS("{\"name\": \"q\", \"vendor_id\": 8086, \"product_id\": \"0443\"}"), "!not a string"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"device_type\": \"type-vdpa\"}"),
     "!device_type 'type-vdpa': it is none of type-PCI, type-PF, type-VF, vdpa"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"device_type\": \"\"}"), "!device_type ''"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"device_type\": null}"), "!device_type: it is not"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"numa_policy\": \"Required\"}"), "!numa_policy 'Required'"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"numa_policy\": null}"), "!numa_policy: it is not"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"capability_type\": \"usb\"}"), "!capability_type 'usb'"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"live_migratable\": \"maybe\"}"), "!live_migratable"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"live_migratable\": true}"), "!live_migratable"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"traits\": [\"a\"]}"), "!traits: it is not a string"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"foo\": \"bar\"}"), "!key 'foo': it is no key of an alias"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"address\": \"0b:00.0\"}"), "!key 'address'"},
    {ALIAS("[{\"name\": \"q\", " IDS "}]"), "!cannot use alias: an object is wanted"},
    {ALIAS("q:8086:0443"), "!:2: cannot read JSON"},
    {ALIAS("null"), "!cannot use alias: an object is wanted"},
    /* several aliases with the same name */
    {ALIAS("{\"name\": \"q\", " IDS ", \"device_type\": \"type-VF\"}\nalias = {\"name\": \"q \", "
           "\"vendor_id\": \"15b3\", \"product_id\": \"101e\", \"device_type\": \"type-VF\", "
           "\"numa_policy\": \"legacy\"}"),
     "q types 4 numa legacy\n  2 8086:0443\n  3 15b3:101e\n"},
    {ALIAS("{\"name\": \"q\", " IDS "}\nalias = {\"name\": \"Q\", " IDS "}"),
     "q types 5 numa legacy\n  2 8086:0443\nQ types 5 numa legacy\n  3 8086:0443\n"},
    {ALIAS("{\"name\": \"q\", " IDS "}\nalias = {\"name\": \"q\", " IDS "}"),
     "q types 5 numa legacy\n  2 8086:0443\n  3 8086:0443\n"},
    {ALIAS("{\"name\": \"q\", " IDS
           ", \"device_type\": \"type-VF\"}\nalias = {\"name\": \"q\", " IDS "}"),
     "!:3: cannot use alias 'q': it has another device_type than at "},
    {ALIAS("{\"name\": \"q\", " IDS "}\nalias = {\"name\": \"q\", " IDS
           ", \"numa_policy\": \"required\"}"),
     "!:3: cannot use alias 'q': it has another numa_policy than at "},
    {ALIAS("{\"name\": \"q\", " IDS ", \"attach\": \"hostdev\"}\nalias = {\"name\": \"q\", " IDS
           ", \"attach\": \"interface\"}"),
     "!:3: cannot use alias 'q': it has another attach than at "},
    {ALIAS("{\"name\": \"q\", " IDS
           ", \"on_attach_failure\": \"keep\"}\nalias = {\"name\": \"q\", " IDS
           ", \"on_attach_failure\": \"destroy\"}"),
     "!:3: cannot use alias 'q': it has another on_attach_failure than at "},
    {ALIAS("{\"name\": \"q\", " IDS "}\nalias = {\"name\": \"q\", " IDS
           ", \"attach\": \"interface\", \"on_attach_failure\": \"destroy\"}"),
     "q types 5 numa legacy interface destroy\n  2 8086:0443\n  3 8086:0443\n"},
    /* a key that a device_spec sets is a tag, in whichever place the device_spec is */
    {ALIAS("{\"name\": \"n\", \"rack\": \"7\", \"trusted\": \"yes\"}\ndevice_spec = {\"rack\": 7, "
           "\"trusted\": \"yes\"}"),
     "3 *:* rack=7 trusted=yes\nn types 5 numa legacy\n  2 *:* rack=7 trusted=yes\n"},
    {ALIAS("{\"name\": \"n\", \"managed\": \"x\"}\ndevice_spec = {\"managed\": \"1\"}"),
     "!managed 'x'"},
};

/* ---- the older form of an alias ---- */
#define EPA(terms) "[pci]\nalias = Quick Assist=capabilities:devices: " terms "\n"
#define EPA_IDS    "product_id=0x443 & vendor_id=0x8086"
static const struct text_case epas[] = {
    {EPA("(capability_type=pci & capability: (" EPA_IDS "), & device_type=ACCEL)"),
     "Quick Assist types 5 numa legacy\n  2 8086:0443 class 12>>16\n  2 8086:0443 class "
     "b40>>8\n  2 8086:0443 class 10>>16\n"},
    {EPA("(capability_type = pci&capability:(" EPA_IDS "))"),
     "Quick Assist types 5 numa legacy\n  2 8086:0443\n"},
    {EPA("(device_type=NIC)"), "Quick Assist types 5 numa legacy\n  2 *:* class 2>>16\n"},
    {EPA("(vendor_id=10de, device_type=GPU,)"),
     "Quick Assist types 5 numa legacy\n  2 10de:* class 3>>16\n"},
    {EPA("(capability: (product_id=443 &\n  vendor_id=8086))"),
     "Quick Assist types 5 numa legacy\n  2 8086:0443\n"},
    {"[pci]\nalias = q=capabilities:devices:(" EPA_IDS ")\nalias = {\"name\": \"q\", " IDS "}\n",
     "q types 5 numa legacy\n  2 8086:0443\n  3 8086:0443\n"},
    {EPA("(capability_type=usb & " EPA_IDS ")"), "!capability_type is not pci"},
    {EPA("(capability_type=pci)"), "!vendor_id and product_id are wanted"},
    {EPA("(vendor_id=8086)"), "!vendor_id and product_id are wanted"},
    {EPA("(device_type=QAT)"), "!device_type is none of NIC, GPU, ACCEL"},
    {EPA("(device_type=NIC & device_type=NIC)"), "!device_type is there twice"},
    {EPA("(vendor_id=1 & vendor_id=1)"), "!an id is there twice"},
    {EPA("(vendor_id=10000)"), "!an id is not a hexadecimal number up to ffff"},
    {EPA("(vendor_id=)"), "!an id is not a hexadecimal number"},
    {EPA("(name=x)"), "!an unknown key"},
    {EPA("(capability: (capability: (" EPA_IDS ")))"), "!KEY=VALUE is expected"},
    {EPA("(" EPA_IDS), "!'&' or ')' is expected"},
    {EPA("(" EPA_IDS ") x"), "!there is more text"},
    {EPA(EPA_IDS), "!'(' is expected"},
    {EPA("(vendor_id=1 product_id=2)"), "!at 'product_id=2)': '&' or ')' is expected"},
    {EPA("(vendor_id=1=2)"), "!'&' or ')' is expected"},
    {EPA("()"), "!vendor_id and product_id are wanted"},
    {"[pci]\nalias = =capabilities:devices: (" EPA_IDS ")\n", "!a name of 1 to 256 bytes"},
    {"[pci]\nalias = q=capabilities: (" EPA_IDS ")\n", "!'capabilities:devices:' is expected"},
};

/* ---- sriov_numvfs ---- */
#define NUMVFS(json) "[pci]\nsriov_numvfs = " json "\n"
static const struct text_case numvfs[] = {
    {NUMVFS("{\"devname\": \"eth2\", \"numvfs\": 8}"), "2 eth2: 8 VFs\n"},
    {NUMVFS("{\"address\": \"0000:3b:00.0\", \"numvfs\": \"65535\"}"),
     "2 0000:3b:00.0: 65535 VFs\n"},
    {NUMVFS("[{\"devname\": \"a\", \"numvfs\": 1},\n {\"devname\": \"b\", \"numvfs\": 2}]"),
     "2 a: 1 VFs\n2 b: 2 VFs\n"},
    {NUMVFS("[]"), ""},
    {NUMVFS("8"), "!:2: cannot use sriov_numvfs: an object, or an array of objects, is wanted"},
    {NUMVFS("[[]]"), "!an object, or an array of objects, is wanted"},
    {NUMVFS("{\"numvfs\": 8}"), "!either devname or address is wanted"},
    {NUMVFS("{\"devname\": \"a\", \"address\": \"0000:3b:00.0\", \"numvfs\": 8}"),
     "!either devname or address is wanted"},
    {NUMVFS("{\"devname\": \"eth2\"}"), "!numvfs is missing"},
    {NUMVFS("{\"devname\": \"eth2\", \"numvfs\": 0}"), "!numvfs '0': a whole number in 1 to 65535"},
    {NUMVFS("{\"devname\": \"eth2\", \"numvfs\": 65536}"), "!numvfs '65536'"},
    {NUMVFS("{\"devname\": \"eth2\", \"numvfs\": null}"), "!numvfs 'null'"},
    {NUMVFS("{\"devname\": \"\", \"numvfs\": 8}"),
     "!devname '': it is not a valid name of a network interface"},
    {NUMVFS("{\"devname\": \"../eth2\", \"numvfs\": 8}"), "!devname '../eth2'"},
    {NUMVFS("{\"devname\": 2, \"numvfs\": 8}"), "!devname is not a string"},
    {NUMVFS("{\"address\": \"3b:00.0\", \"numvfs\": 8}"),
     "!address '3b:00.0': it is not a full PCI address (example: 0000:3b:00.0)"},
    {NUMVFS("{\"address\": \"*\", \"numvfs\": 8}"), "!it is not a full PCI address"},
    {NUMVFS("{\"devname\": \"eth2\", \"vfs\": 8}"),
     "!key 'vfs' is none of devname, address, numvfs"},
    {NUMVFS("{\"devname\": \"a\", \"numvfs\": 8}") NUMVFS("{\"devname\": \"a\", \"numvfs\": 8}"),
     "!x.conf:2 sets numvfs of the same card already"},
    {NUMVFS("{\"address\": \"0000:3b:00.0\", \"numvfs\": 8}")
         NUMVFS("{\"address\": \"0000:3b:00.0\", \"numvfs\": 4}"),
     "!x.conf:2 sets numvfs of the same card already"},
};

/* ---- warnings ---- */
static const struct warning_case warnings[] = {
    {SPEC("{\"address\": \"0000:0b:00.0\", \"physical_network\": \"p\"}"), NULL},
    {SPEC("{\"address\": \"0b:*.*\"}"), NULL},
    {SPEC("{\"devname\": \"eth0\"}"), NULL},
    {SPEC("{\"address\": {\"domain\": \".*\", \"bus\": \"0b\", \"slot\": \"1[0-3]\"}}"), NULL},
    {"[pci]\nreport_in_placement = true\n[other]\nx = y\n", NULL},
    {SPEC("{\"vendor_id\": \"8086\", \"device_id\": \"1520\"}"), "'product_id' is meant?"},
    {SPEC("{\"vendor_id\": \"8086\", \"physical_networks\": \"p\"}"),
     "'physical_network' is meant"},
    {SPEC("{\"vendor_id\": \"8086\", \"Managed\": \"p\"}"), "'managed' is meant?"},
    {SPEC("{\"vendor_id\": \"8086\", \"class\": \"02\"}"), "it is a key of an alias"},
    {SPEC("{\"vendor\": \"8086\"}"), "this device_spec allows every PCI device of the host"},
    {SPEC("{}"), "this device_spec allows every PCI device of the host"},
    {SPEC("{\"address\": \"::.\"}"), "this device_spec allows every PCI device of the host"},
    {SPEC("{\"vendor_id\": \"-1\"}"), "a negative id matches no device"},
    {SPEC("{\"address\": \"0b:00.0\"}"), "does not stand for the VFs of a PF"},
    {SPEC("{\"address\": \"*:0b:00.0\"}"), "does not stand for the VFs of a PF"},
    {SPEC("{\"address\": {\"bus\": \"0b\", \"slot\": \"00\", \"function\": \"0\"}}"),
     "does not stand for the VFs of a PF"},
    {SPEC("{\"address\": {\"bus\": \"0*\"}}"), "bus '0*' is a regular expression"},
    {SPEC("{\"address\": {\"bus\": \"0?\"}}"), "bus '0?' is a regular expression"},
    {SPEC("{\"address\": {\"bus\": \"0B\"}}"), "compared in lower case"},
    {SPEC("{\"address\": {\"bus\": \"a\"}}"), "write '0a' for an exact match"},
    {SPEC("{\"address\": {\"domain\": \"0\"}}"), "write '0000' for an exact match"},
    {SPEC("{\"address\": {\"slot\": \"010\"}}"), "matches nothing: the field has 2 digits"},
    {SPEC("{\"address\": {\"slot\": \"[[:digit:]]\"}}"), "no classes like"},
    {SPEC("{\"address\": {\"func\": \"0\"}}"), "key 'func' in address is ignored"},
    {SPEC("{\"devname\": \"eth*\"}"), "patterns are not supported there"},
    {SPEC("{\"devname\": \"0000:0b:00.0\"}"), "cannot be the name of a network device"},
    {SPEC("{\"vendor_id\": \"1\", \"remote_managed\": \"yes\"}"),
     "aliases that ask for remote_managed can get the device"},
    {SPEC("{\"vendor_id\": \"1\", \"one_time_use\": \"yes\", \"clean\": \"x\"}"), NULL},
    {SPEC("{\"vendor_id\": \"1\", \"cleaner\": \"x\"}"), "'clean' is meant?"},
    {"[pci]\ndevice_specs = {}\n", "key 'device_specs' in section [pci] is ignored"},
    {ALIAS("{\"name\": \"a.b\", " IDS "}"), "characters that libvirt does not allow"},
    {ALIAS("{\"name\": \"q\", " IDS ", \"numa_policy\": \"legacy\"}"), NULL},
    {ALIAS("{\"name\": \"q\", " IDS ", \"numa_policy\": \"socket\"}"), NULL},
    {ALIAS("{\"name\": \"q\", " IDS ", \"traits\": \"x\"}"), "traits 'x' does not choose devices"},
    {ALIAS("{\"name\": \"q\", " IDS "}\nalias = {\"name\": \"q\", " IDS "}"), "which Nova refuses"},
    {ALIAS("{\"name\": \"q\", \"physical_network\": \"p\"}"), "which no device_spec sets"},
    {ALIAS("{\"name\": \"q\", \"rack\": \"7\"}\ndevice_spec = {\"vendor_id\": \"1\", \"rack\": "
           "\"8\"}"),
     "wants tag rack '7', which no device_spec sets"},
    {ALIAS("{\"name\": \"q\", \"physical_network\": \"P\"}\ndevice_spec = {\"vendor_id\": \"1\", "
           "\"physical_network\": \"p\"}"),
     NULL},
};

int main(void)
{
    make_folder();
    RUN(specs);
    RUN(aliases);
    RUN(epas);
    RUN(numvfs);
    for (size_t i = 0; i < ARRAY_SIZE(warnings); i++)
        check_warning(&warnings[i], i);
    remove_folder();
    return check_result();
}
