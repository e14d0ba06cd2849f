/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract of domain/xml.h: which texts are refused, what an attribute is, what is written. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "domain/xml.h"
#include "check.h"

#include <errno.h>

static const struct {
    const char *xml, *error; /* NULL: no error */
} documents[] = {
    {"<a/>", NULL},
    {"<?xml version='1.0' encoding='utf-8'?><a><b/></a>", NULL},
    {"", "cannot read it: "},
    {"text", "cannot read it: line 1: "},
    {"<a>", "cannot read it: line 1: "},
    {"<a/><b/>", "cannot read it: line 1: "},
    {"<!DOCTYPE a><a/>", "cannot read it: it has a document type declaration"},
    {"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "cannot read it: it has a document type"},
    {"<a>&e;</a>", "cannot read it: line 1: "},
};

static void test_parse(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
        const char *xml = documents[i].xml;
        int r = vfa_xml_parse(xml, strlen(xml), "it", &doc, &err);

        if (documents[i].error)
            CHECK(r == -EINVAL && !doc && check_has(&err, documents[i].error), "%s: %d %s", xml, r,
                  vfa_error_text(&err));
        else
            CHECK(r == 0 && doc && !vfa_xml_out_of_memory(), "%s: %d", xml, r);
    }
}

static const struct {
    const char *attributes;
    const char *address; /* NULL: no address */
} addresses[] = {
    {"domain='0' bus='1' slot='2' function='3'", "0000:01:02.3"},
    {"domain='0x0000' bus='0x01' slot='0x1f' function='0x7'", "0000:01:1f.7"},
    {"bus='255' slot='0' function='0'", "0000:ff:00.0"},
    {"domain='0x10000' bus='0' slot='0' function='0'", "10000:00:00.0"},
    {"domain='0' bus='0x100' slot='0' function='0'", NULL},
    {"domain='0' bus='1' slot='32' function='0'", NULL},
    {"domain='0' bus='1' slot='0' function='8'", NULL},
    {"domain='0' bus='-1' slot='0' function='0'", NULL},
    {"domain='0' bus=' 1' slot='0' function='0'", NULL},
    {"domain='0' slot='0' function='0'", NULL},
    {"domain='0' bus='1' slot='0'", NULL},
    {"", NULL},
};

static void test_addresses(void)
{
    struct vfa_pci_addr addr;

    CHECK(!vfa_xml_pci_address(NULL, &addr), "no element");
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
        char xml[128], text[VFA_PCI_ADDR_SIZE] = "";
        int len = snprintf(xml, sizeof(xml), "<address %s/>", addresses[i].attributes);
        bool ok = vfa_xml_parse(xml, (size_t)len, "it", &doc, NULL) == 0 &&
                  vfa_xml_pci_address(xmlDocGetRootElement(doc), &addr);

        if (ok)
            vfa_pci_addr_format(&addr, text);
        CHECK(ok == !!addresses[i].address && (!ok || strcmp(text, addresses[i].address) == 0),
              "%s: %s", addresses[i].attributes, text);
    }
}

/* Visits nodes in document order, and no node outside the element where it began. */
static void test_next(void)
{
    static const char xml[] = "<a><b><c/>t<d><e/></d></b><f/></a>";
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    char got[16] = "";
    xmlNodePtr top;

    CHECK(vfa_xml_parse(xml, strlen(xml), "it", &doc, NULL) == 0, "parse");
    top = vfa_xml_child(xmlDocGetRootElement(doc), "b");
    for (xmlNodePtr node = top; node; node = vfa_xml_next(node, top))
        strncat(got, (const char *)node->name, 1);
    CHECK(strcmp(got, "bctde") == 0, "%s", got);
}

static void test_dump(void)
{
    static const char fine[] = "<a xmlns:x=\"urn:x\"><x:b c=\"&lt;&quot;\">d &amp; e</x:b></a>";
    static const char odd[] = "<a xmlns:x='urn:&lt;x'/>";
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr bad = NULL;
    VFA_AUTO(vfa_freep) char *text = NULL;
    VFA_AUTO(vfa_freep) char *none = NULL;

    CHECK(vfa_xml_parse(fine, strlen(fine), "it", &doc, NULL) == 0, "parse");
    CHECK(vfa_xml_dump(doc, NULL, &text, NULL) == 0 && strcmp(text, fine) == 0, "%s", text);
    CHECK(vfa_xml_parse(odd, strlen(odd), "it", &bad, NULL) == 0, "parse");
    CHECK(vfa_xml_dump(bad, NULL, &none, &err) == -EINVAL && !none, "%s", vfa_error_text(&err));
    CHECK(check_has(&err, "cannot write XML with the namespace"), "%s", vfa_error_text(&err));
}

int main(void)
{
    test_parse();
    test_addresses();
    test_next();
    test_dump();
    return check_result();
}
