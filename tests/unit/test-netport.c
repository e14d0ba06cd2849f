/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports of libvirt networks, as libvirt 11.3 passes them to its network hook, and texts that are
 * not a port. */

#include "base/common.h"
#include "base/error.h"
#include "domain/netport.h"
#include "check.h"

#include <errno.h>

#define PORT  "f36cc4a3-4739-497b-b223-b465b8b9fa22"
#define OWNER "f50e455b-389b-4e7a-9e6b-234822cbca30"
#define NETWORK                                                                                    \
    "<network connections='1'><name>pool</name><uuid>d6c44867-6530-439b-972e-46370a2c74b6</uuid>"  \
    "<forward mode='hostdev' managed='yes'><pf dev='enp1s0'/>"                                     \
    "<address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>"                  \
    "</forward></network>"
#define WITH(uuid, owner, plug)                                                                    \
    "<hookData>" NETWORK "<networkport>" uuid "<owner>" owner "</owner>"                           \
    "<mac address='52:54:00:92:a9:98'/>" plug "</networkport></hookData>"
#define PORT_UUID "<uuid>" PORT "</uuid>"
#define NAMED     "<name>g1</name><uuid>" OWNER "</uuid>"
#define PLUG      "<plug type='hostdev-pci' managed='yes'>" ADDRESS "</plug>"
#define ADDRESS   "<address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/>"

static const struct {
    const char *label;
    const char *xml;
    int r;
    const char *source; /* NULL: none */
    const char *owner;
} cases[] = {
    {"as libvirt gives it", WITH(PORT_UUID, NAMED, PLUG), 0, "0000:01:10.2", "g1"},
    {"the port alone", "<networkport>" PORT_UUID "<owner>" NAMED "</owner>" PLUG "</networkport>",
     0, "0000:01:10.2", "g1"},
    {"upper case", WITH("<uuid>F36CC4A3-4739-497B-B223-B465B8B9FA22</uuid>", NAMED, PLUG), 0,
     "0000:01:10.2", "g1"},
    {"an owner without a name", WITH(PORT_UUID, "<uuid>" OWNER "</uuid>", PLUG), 0, "0000:01:10.2",
     OWNER},
    {"a bridge's", WITH(PORT_UUID, NAMED, "<plug type='bridge' bridge='br0'/>"), 0, NULL, "g1"},
    {"a plug of another type that has an address",
     WITH(PORT_UUID, NAMED, "<plug type='direct'>" ADDRESS "</plug>"), 0, NULL, "g1"},
    {"no plug", WITH(PORT_UUID, NAMED, ""), 0, NULL, "g1"},
    {"no address", WITH(PORT_UUID, NAMED, "<plug type='hostdev-pci'/>"), 0, NULL, "g1"},
    {"an address out of range",
     WITH(PORT_UUID, NAMED,
          "<plug type='hostdev-pci'><address bus='0x1' slot='0x20' function='0'/></plug>"),
     0, NULL, "g1"},
    {"no UUID", WITH("", NAMED, PLUG), -EINVAL, NULL, NULL},
    {"a bad UUID", WITH("<uuid>" PORT "0</uuid>", NAMED, PLUG), -EINVAL, NULL, NULL},
    {"no owner", WITH(PORT_UUID, "", PLUG), -EINVAL, NULL, NULL},
    {"an owner without UUID", WITH(PORT_UUID, "<name>g1</name>", PLUG), -EINVAL, NULL, NULL},
    {"no port", "<hookData>" NETWORK "</hookData>", -EINVAL, NULL, NULL},
    {"something else", "<domain/>", -EINVAL, NULL, NULL},
    {"no XML", "hostdev-pci", -EINVAL, NULL, NULL},
    {"nothing", "", -EINVAL, NULL, NULL},
    {"an entity", "<!DOCTYPE x [<!ENTITY e 'x'>]>" WITH(PORT_UUID, NAMED, PLUG), -EINVAL, NULL,
     NULL},
};

static void test_case(size_t i)
{
    VFA_AUTO(vfa_netport_freep) struct vfa_netport *port = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    const char *label = cases[i].label;
    int r = vfa_netport_parse(cases[i].xml, strlen(cases[i].xml), &port, &err);

    CHECK(r == cases[i].r, "%s: %d, %s", label, r, vfa_error_text(&err));
    CHECK((r < 0) == (err.code != 0), "%s", label);
    if (r < 0)
        return;
    CHECK(strcmp(port->uuid, PORT) == 0, "%s: %s", label, port->uuid);
    CHECK(strcmp(port->owner_uuid, OWNER) == 0, "%s: %s", label, port->owner_uuid);
    CHECK(strcmp(port->owner, cases[i].owner) == 0, "%s: %s", label, port->owner);
    CHECK(!!port->source[0] == (cases[i].source != NULL), "%s", label);
    if (cases[i].source)
        CHECK(strcmp(port->source, cases[i].source) == 0, "%s: %s", label, port->source);
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        test_case(i);
    return check_result();
}
