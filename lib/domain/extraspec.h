/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is asked for in one text: "qat:2,gpu:1", the value of Nova's flavor extra spec
 * pci_passthrough:alias. Pure text; which aliases there are is not known here.
 */
#ifndef VFA_DOMAIN_EXTRASPEC_H
#define VFA_DOMAIN_EXTRASPEC_H

#include "base/common.h"
#include "base/error.h"

struct vfa_extraspec_item {
    char *alias;
    uint32_t count; /* 1..VFA_REQUEST_MAX */
    bool counted;   /* false: the text was just an alias, and count is 1 */
};

struct vfa_extraspec {
    struct vfa_extraspec_item *items; /* as they stand in the text; one at least */
    size_t n;
};

/* As Nova's _translate_alias_to_requests() (nova/pci/request.py) reads it: items are separated by
 * ',', alias and count by ':', of which there is one; blanks around either do not count. Other than
 * there, a count is digits only and not 0 (as in its API's check of the extra spec), and a text
 * that is one alias without a count stands for one device of it. -EINVAL with the reason. */
int vfa_extraspec_parse(const char *text, struct vfa_extraspec *ret, struct vfa_error *err);

void vfa_extraspec_clear(struct vfa_extraspec *spec);

#endif
