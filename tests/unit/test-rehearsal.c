/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of a rehearsal, and the parsing of the other host's answer. */

#include "base/bitset.h"
#include "base/common.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "check.h"
#include "domxml-case.h"
#include "helpers/vfalias/rehearsal.h"

#include <string.h>

#define NUMA                                                                                       \
    "<vcpu cpuset='4-7'>8</vcpu><cputune><vcpupin vcpu='0' cpuset='2'/></cputune>"                 \
    "<numatune><memory mode='interleave' nodeset='0'/><memnode cellid='1' mode='strict' "          \
    "nodeset='2'/></numatune>"
#define OS "<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type><loader>/x</loader></os>"
#define DEVICES                                                                                    \
    ROOT PORT(1)                                                                                   \
        SLOT(2, "dp0") "<emulator>/usr/bin/qemu</emulator><disk type='file'/>"                     \
                       "<controller type='scsi' index='0'/>"                                       \
                       "<hostdev mode='subsystem' type='pci'><source><address domain='0' "         \
                       "bus='1' slot='0x10' function='0'/></source>"                               \
                       "<alias name='ua-vf-net-0'/></hostdev>"

/* Parses the rehearsal that is made from `xml`. */
static struct vfa_domain *rehearsal_of(const char *xml, enum vfa_rehearsal kind, char **ret_text)
{
    struct vfa_domain *domain = NULL;

    CHECK(vfa_domxml_rehearsal(xml, strlen(xml), kind, ret_text, NULL) == 0, "%s", xml);
    CHECK(vfa_domxml_parse(*ret_text, strlen(*ret_text), &domain, NULL) == 0, "%s", *ret_text);
    return domain;
}

static void test_what_it_asks(void)
{
    static const char xml[] = HEAD META("<vfalias:request alias='net' numa='required'/>") NUMA OS
        "<devices>" DEVICES "</devices></domain>";
    VFA_AUTO(vfa_freep) char *text = NULL;
    VFA_AUTO(vfa_domain_freep)
    struct vfa_domain *domain = rehearsal_of(xml, VFA_REHEARSAL_RESERVE, &text);
    char nodes[64], cpus[64];

    CHECK(domain->rehearsal == VFA_REHEARSAL_RESERVE, "%d", domain->rehearsal);
    CHECK(strcmp(domain->name, "d") == 0 && strcmp(domain->uuid, UUID) == 0, "%s", text);
    CHECK(domain->n_requests == 2, "%zu", domain->n_requests);
    CHECK(strcmp(domain->requests[0].name, "net-0") == 0 && domain->requests[0].numa_given, "%s",
          text);
    CHECK(strcmp(domain->requests[1].name, "dp0") == 0 && domain->requests[1].from_port, "%s",
          text);
    CHECK(domain->n_devices == 0 && domain->pcie && vfa_domain_missing_ports(domain) == 0, "%s",
          text);
    vfa_bitset_format(&domain->numa_nodes, nodes, sizeof(nodes));
    vfa_bitset_format(&domain->pinned_cpus, cpus, sizeof(cpus));
    CHECK(strcmp(nodes, "0,2") == 0 && strcmp(cpus, "2") == 0, "%s %s", nodes, cpus);
    CHECK(strstr(text, "type=\"kvm\"") && strstr(text, "machine=\"q35\"") &&
              strstr(text, "/usr/bin/qemu"),
          "%s", text);
    CHECK(!strstr(text, "disk") && !strstr(text, "scsi") && !strstr(text, "firmware") &&
              !strstr(text, "loader"),
          "%s", text);
}

/* Labels of ports are requests, also without metadata. */
static void test_ports_alone(void)
{
    static const char xml[] = DOM("", ROOT SLOT(2, "net-0"));
    VFA_AUTO(vfa_freep) char *text = NULL;
    VFA_AUTO(vfa_domain_freep)
    struct vfa_domain *domain = rehearsal_of(xml, VFA_REHEARSAL_ASK, &text);

    CHECK(domain->rehearsal == VFA_REHEARSAL_ASK && domain->n_requests == 1, "%s", text);
}

static void test_attribute(void)
{
    static const struct {
        const char *attribute;
        enum vfa_rehearsal kind;
        bool fine;
    } cases[] = {
        {"", VFA_REHEARSAL_NONE, true},
        {"rehearsal='ask'", VFA_REHEARSAL_ASK, true},
        {"rehearsal='reserve'", VFA_REHEARSAL_RESERVE, true},
        {"rehearsal='cancel'", VFA_REHEARSAL_CANCEL, true},
        {"rehearsal=''", VFA_REHEARSAL_NONE, false},
        {"rehearsal='yes'", VFA_REHEARSAL_NONE, false},
        {"rehearsal='ask' more='x'", VFA_REHEARSAL_ASK, false},
        {"other='ask'", VFA_REHEARSAL_NONE, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
        char xml[512];
        int len = snprintf(xml, sizeof(xml),
                           HEAD "<metadata><v:requests xmlns:v='urn:vfalias:1' %s/></metadata>"
                                "</domain>",
                           cases[i].attribute);

        CHECK(vfa_domxml_parse(xml, (size_t)len, &domain, NULL) == 0, "%s", cases[i].attribute);
        CHECK(!domain->bad_requests == cases[i].fine, "%s", cases[i].attribute);
        if (cases[i].fine)
            CHECK(domain->rehearsal == cases[i].kind, "%s", cases[i].attribute);
    }
}

#define LIBVIRT                                                                                    \
    "Hook script execution failed: internal error: Child process (LC_ALL=C PATH=/usr/bin "         \
    "/etc/libvirt/hooks/qemu.d/vfalias d prepare begin -) unexpected exit status 1: "

static void test_answers(void)
{
    static const struct {
        const char *message;
        const char *answer;
        const char *refusal;
    } cases[] = {
        {LIBVIRT "vfalias: domain 'd': rehearsed: net-0 gets 0000:01:10.0\n",
         "net-0 gets 0000:01:10.0", NULL},
        {LIBVIRT "vfalias: domain 'd': no free device for request 'net-0'\n", NULL,
         "domain 'd': no free device for request 'net-0'"},
        {LIBVIRT "vfalias: domain 'other': rehearsed: net-0 gets 0000:01:10.0", NULL,
         "domain 'other': rehearsed: net-0 gets 0000:01:10.0"},
        {LIBVIRT "vfalias: domain 'd': no domain 'd': rehearsed: x", NULL,
         "domain 'd': no domain 'd': rehearsed: x"},
        {LIBVIRT "somebody else's hook\n", NULL, LIBVIRT "somebody else's hook"},
        {"Requested operation is not valid: domain 'd' is already active", NULL,
         "Requested operation is not valid: domain 'd' is already active"},
        {"", NULL, ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_freep) char *refusal = NULL;
        VFA_AUTO(vfa_freep) char *answer = vfa_rehearsal_parse(cases[i].message, "d", &refusal);
        const char *got = answer ? answer : refusal;
        const char *want = cases[i].answer ? cases[i].answer : cases[i].refusal;

        CHECK(!answer == !cases[i].answer && !refusal == !cases[i].refusal, "%s", got);
        CHECK(strcmp(got, want) == 0, "'%s' is not '%s'", got, want);
    }
}

static void test_devices(void)
{
    static const char answer[] =
        "net-0 gets 0000:01:10.0, my-net-0 gets none, net gets 0000:02:10.0";
    static const struct {
        const char *request;
        const char *device;
    } cases[] = {
        {"net-0", "0000:01:10.0"},
        {"my-net-0", "none"},
        {"net", "0000:02:10.0"},
        {"et-0", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_freep) char *device = vfa_rehearsal_device(answer, cases[i].request);

        CHECK(!device == !cases[i].device, "%s", cases[i].request);
        CHECK(!device || strcmp(device, cases[i].device) == 0, "%s", device);
    }
}

int main(void)
{
    test_what_it_asks();
    test_ports_alone();
    test_attribute();
    test_answers();
    test_devices();
    return check_result();
}
