/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Edits of a whole domain XML: its requests are replaced, a device of a request is removed. */

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "check.h"
#include "domxml-case.h"

#include <errno.h>

#define OURS(inner) "<vfalias:requests xmlns:vfalias=\"urn:vfalias:1\">" inner "</vfalias:requests>"
#define OTHER       "<x:a xmlns:x=\"u\"/>"

static const struct {
    const char *label, *xml, *requests, *want; /* want NULL: refused */
} replaced[] = {
    {"no metadata", "<domain><name>d</name></domain>", "<requests><request alias='q'/></requests>",
     "<domain><name>d</name><metadata>" OURS(
         "<vfalias:request alias=\"q\"/>") "</metadata></domain>"},
    {"other metadata", "<domain><metadata>" OTHER "</metadata></domain>", "<requests/>",
     "<domain><metadata>" OTHER
     "<vfalias:requests xmlns:vfalias=\"urn:vfalias:1\"/></metadata></domain>"},
    {"two of ours",
     "<domain><metadata>" OURS("")
         OTHER OURS("<vfalias:request alias='a'/>") "</metadata></domain>",
     "<requests><request alias='q'><interface><mac/></interface></request></requests>",
     "<domain><metadata>" OTHER OURS(
         "<vfalias:request alias=\"q\"><vfalias:interface><vfalias:mac/>"
         "</vfalias:interface></vfalias:request>") "</metadata></domain>"},
    {"with our prefix", "<domain/>", OURS("<vfalias:request alias='q'/>"),
     "<domain><metadata>" OURS("<vfalias:request alias=\"q\"/>") "</metadata></domain>"},
    {"another namespace inside", "<domain/>",
     "<requests><request alias='q'>" OTHER "</request></requests>",
     "<domain><metadata>" OURS("<vfalias:request alias=\"q\">" OTHER
                               "</vfalias:request>") "</metadata></domain>"},
    {"no requests", "<domain/>", "<other/>", NULL},
    {"no XML", "domain", "<requests/>", NULL},
};

static void test_replaced(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(replaced); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_freep) char *got = NULL;
        const char *xml = replaced[i].xml;
        int r = vfa_domxml_set_requests(xml, strlen(xml), replaced[i].requests, &got, &err);

        CHECK(replaced[i].want ? r == 0 && strcmp(got, replaced[i].want) == 0 : r == -EINVAL,
              "%s: %d %s", replaced[i].label, r, got ? got : vfa_error_text(&err));
    }
}

/* What was written is read as requests. */
static void test_read_again(void)
{
    static const char xml[] = DOM(META("<vfalias:request alias='a'/>"), "");
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *got = NULL;

    CHECK(vfa_domxml_set_requests(xml, strlen(xml),
                                  "<requests><request alias='q' count='2'/></requests>", &got,
                                  NULL) == 0 &&
              vfa_domxml_parse(got, strlen(got), &domain, NULL) == 0,
          "%s", got);
    CHECK(!domain->bad_requests && domain->n_requests == 2 && vfa_domain_request(domain, "q-1"),
          "%s", got);
}

static const struct {
    const char *request, *devices, *want; /* want NULL: there is none */
} removed[] = {
    {"a", "<disk><alias name='ua-vf-a'/></disk><hostdev/>", "<hostdev/>"},
    {"a", "<hostdev><alias name='ua-vf-ab'/></hostdev><hostdev><alias name='ua-vf-a'/></hostdev>",
     "<hostdev><alias name=\"ua-vf-ab\"/></hostdev>"},
    {"a", "<hostdev><alias name='a'/></hostdev><hostdev><alias name='ua-slot-a'/></hostdev>", NULL},
    {"a", "", NULL},
};

static void test_removed(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(removed); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_freep) char *xml = NULL, *want = NULL, *got = NULL;
        int r;

        if (asprintf(&xml, "<domain><devices>%s</devices></domain>", removed[i].devices) < 0 ||
            asprintf(&want, "<domain><devices>%s</devices></domain>", removed[i].want) < 0)
            abort();
        r = vfa_domxml_remove_device(xml, strlen(xml), removed[i].request, &got, &err);
        CHECK(removed[i].want ? r == 0 && strcmp(got, want) == 0
                              : r == -ENOENT && check_has(&err, "cannot remove device 'ua-vf-a'"),
              "%zu: %d %s", i, r, got);
    }
}

int main(void)
{
    test_replaced();
    test_read_again();
    test_removed();
    return check_result();
}
