/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disk of a vDPA block device: which target it gets, what its element keeps of a template, and the
 * memory that it needs. */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "check.h"
#include "domxml-case.h"

static char path[] = "/dev/vhost-vdpa-0", name[] = "disk";
static const struct vfa_device device = {.id = "vdpa:disk0", .path = path};
static const struct vfa_alias alias = {
    .name = name, .types = 1u << VFA_TYPE_VDPA_BLOCK, .attach = VFA_ATTACH_VDPA_DISK};

#define ASK(inner)   "<vfalias:request alias='disk'>" inner "</vfalias:request>"
#define DISK(target) "<disk type='file'><target dev='" target "'/></disk>"
#define OURS(target)                                                                               \
    "<disk type='vhostvdpa'><target dev='" target "'/><alias name='ua-vf-disk-0'/></disk>"

/* The element for a request of a domain with this metadata and these devices. */
static char *made_disk(const char *xml, size_t i, const struct vfa_port *port)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    char *made = NULL;

    if (vfa_domxml_parse(xml, strlen(xml), &domain, NULL) < 0 || domain->n_requests <= i)
        abort();
    CHECK(vfa_domxml_device(domain, &domain->requests[i], &alias, &device, true, port, &made,
                            NULL) == 0,
          "%s", xml);
    return made;
}

/* ---- targets ---- */

static const struct {
    const char *label, *xml;
    size_t request;
    const char *target;
} targets[] = {
    {"no disk", DOM(META(ASK("")), ""), 0, "vda"},
    {"behind others", DOM(META(ASK("")), DISK("vda") DISK("vdb")), 0, "vdc"},
    {"between others", DOM(META(ASK("")), DISK("vda") DISK("vdc")), 0, "vdb"},
    {"other buses", DOM(META(ASK("")), DISK("sda") DISK("hda") DISK("vd") DISK("vd1") DISK("")), 0,
     "vda"},
    {"a disk without target", DOM(META(ASK("")), "<disk type='file'/>"), 0, "vda"},
    {"no disk, but a target", DOM(META(ASK("")), "<filesystem><target dev='vda'/></filesystem>"), 0,
     "vda"},
    {"a target of another request",
     DOM(META(ASK("") ASK("<vfalias:disk><vfalias:target dev='vda'/>"
                          "</vfalias:disk>")),
         ""),
     0, "vdb"},
    {"the second of two", DOM(META(ASK("") ASK("")), DISK("vdb")), 1, "vdc"},
    {"the second, when the first has its disk", DOM(META(ASK("") ASK("")), DISK("vdb") OURS("vda")),
     1, "vdc"},
    {"the second, the first being no disk",
     DOM(META(ASK("<vfalias:interface/>") ASK("<vfalias:hostdev type='mdev'/>") ASK("")), ""), 2,
     "vda"},
    {"the second, the first having a target",
     DOM(META(ASK("<vfalias:disk><vfalias:target dev='vdx'/>"
                  "</vfalias:disk>") ASK("")),
         ""),
     1, "vda"},
};

static void test_targets(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        VFA_AUTO(vfa_freep) char *made = made_disk(targets[i].xml, targets[i].request, NULL);
        VFA_AUTO(vfa_freep) char *want = NULL;

        if (asprintf(&want, "<target dev=\"%s\" bus=\"virtio\"/>", targets[i].target) < 0)
            abort();
        CHECK(strstr(made, want), "%s: %s", targets[i].label, made);
    }
}

/* Names go on after z, as libvirt counts them. */
static void test_letters(void)
{
    static const struct {
        unsigned disks;
        const char *target;
    } cases[] = {{25, "vdz"},  {26, "vdaa"},  {51, "vdaz"},
                 {52, "vdba"}, {701, "vdzz"}, {702, "vdaaa"}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
        VFA_AUTO(vfa_freep) char *made = NULL;
        static const char xml[] = DOM(META(ASK("")), "");

        if (vfa_domxml_parse(xml, strlen(xml), &domain, NULL) < 0)
            abort();
        for (unsigned number = 1; number <= cases[i].disks; number++)
            vfa_bitset_add(&domain->disks, number);
        CHECK(vfa_domxml_device(domain, &domain->requests[0], &alias, &device, true, NULL, &made,
                                NULL) == 0 &&
                  strstr(made, cases[i].target),
              "%s: %s", cases[i].target, made);
    }
}

/* A name that is read as number n is written for n. */
static void test_names(void)
{
    static const char *const names[][2] = {
        {"vda", "vdb"}, {"vdz", "vda"}, {"vdaa", "vda"}, {"vdzzz", "vda"}, {"vdzzzzzzzzzz", "vda"}};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        VFA_AUTO(vfa_freep) char *xml = NULL, *made = NULL, *want = NULL;

        if (asprintf(&xml, DOM(META(ASK("")), DISK("%s")), names[i][0]) < 0 ||
            asprintf(&want, "dev=\"%s\"", names[i][1]) < 0)
            abort();
        made = made_disk(xml, 0, NULL);
        CHECK(strstr(made, want), "%s: %s", names[i][0], made);
    }
}

/* ---- templates ---- */

#define IN_DISK(inner) DOM(META(ASK("<vfalias:disk>" inner "</vfalias:disk>")), DISK("vda"))
#define SOURCE         "<source dev=\"/dev/vhost-vdpa-0\"/>"
#define ALIAS          "<alias name=\"ua-vf-disk-0\"/></disk>"
#define DRIVER         "<driver name=\"qemu\" type=\"raw\" cache=\"none\"/>"

static void test_templates(void)
{
    static const char *const cases[][2] = {
        {IN_DISK(""), "<disk type=\"vhostvdpa\" device=\"disk\">" SOURCE DRIVER
                      "<target dev=\"vdb\" bus=\"virtio\"/>" ALIAS},
        {IN_DISK("<vfalias:target dev='vdq'/><vfalias:driver queues='4' cache='directsync'/>"),
         "<disk type=\"vhostvdpa\" device=\"disk\"><target dev=\"vdq\" bus=\"virtio\"/><driver "
         "queues=\"4\" cache=\"directsync\" name=\"qemu\" type=\"raw\"/>" SOURCE ALIAS},
        {IN_DISK("<vfalias:target bus='scsi' dev='sda'/><vfalias:serial>7</vfalias:serial>"),
         "<disk type=\"vhostvdpa\" device=\"disk\"><target bus=\"scsi\" dev=\"sda\"/><serial>7</serial>" SOURCE
             DRIVER ALIAS},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_freep) char *made = made_disk(cases[i][0], 0, NULL);

        CHECK(strcmp(made, cases[i][1]) == 0, "%zu: %s", i, made);
    }
}

/* Only a disk on the virtio bus is a PCI device. */
static void test_port(void)
{
    static const struct vfa_port port = {.index = 11};
    VFA_AUTO(vfa_freep) char *virtio = made_disk(IN_DISK(""), 0, &port);
    VFA_AUTO(vfa_freep)
    char *scsi = made_disk(IN_DISK("<vfalias:target bus='scsi' dev='sda'/>"), 0, &port);

    CHECK(strstr(virtio, "<address type=\"pci\" domain=\"0x0000\" bus=\"0x0b\""), "%s", virtio);
    CHECK(!strstr(scsi, "<address"), "%s", scsi);
}

/* ---- memory ---- */

#define SHARED            "<memoryBacking><access mode='shared'/></memoryBacking>"
#define CELLS(one, other) "<cpu><numa><cell id='0'" one "/><cell id='1'" other "/></numa></cpu>"

static void test_shared_memory(void)
{
    static const struct {
        const char *xml;
        bool shared;
    } cases[] = {
        {DOM("", ""), false},
        {DOM("<memoryBacking/><cpu/>", ""), false},
        {DOM("<memoryBacking><access/></memoryBacking>", ""), false},
        {DOM("<memoryBacking><access mode='private'/></memoryBacking>", ""), false},
        {DOM(SHARED, ""), true},
        {DOM(SHARED "<cpu><numa/></cpu>", ""), true},
        {DOM(CELLS("", ""), ""), false},
        {DOM(CELLS(" memAccess='shared'", ""), ""), false},
        {DOM(CELLS(" memAccess='shared'", " memAccess='shared'"), ""), true},
        {DOM(SHARED CELLS("", " memAccess='shared'"), ""), true},
        {DOM(SHARED CELLS("", " memAccess='private'"), ""), false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;

        CHECK(vfa_domxml_parse(cases[i].xml, strlen(cases[i].xml), &domain, NULL) == 0 &&
                  domain->shared_memory == cases[i].shared,
              "%s", cases[i].xml);
    }
}

int main(void)
{
    test_targets();
    test_letters();
    test_names();
    test_templates();
    test_port();
    test_shared_memory();
    return check_result();
}
