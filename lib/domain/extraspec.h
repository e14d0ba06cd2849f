/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parses a list of requests: "qat:2,gpu:1", the value of Nova's flavor extra spec
 * pci_passthrough:alias. Whether the aliases exist is not checked.
 */
#ifndef VFA_DOMAIN_EXTRASPEC_H
#define VFA_DOMAIN_EXTRASPEC_H

#include "base/common.h"
#include "base/error.h"

struct vfa_extraspec_item {
    char *alias;
    uint32_t count; /* 1..VFA_REQUEST_MAX */
    bool counted;   /* false: the text was an alias without a count; count is 1 */
};

struct vfa_extraspec {
    struct vfa_extraspec_item *items; /* in the order of the text; at least one */
    size_t n;
};

/* Reads the text as Nova's _translate_alias_to_requests() (nova/pci/request.py): ',' separates
 * items, one ':' separates alias and count, and blanks around both are ignored. Two differences: a
 * count is digits only and not 0 (as in the check of Nova's API), and a text that is an alias
 * without a count means one device. -EINVAL with the reason. */
int vfa_extraspec_parse(const char *text, struct vfa_extraspec *ret, struct vfa_error *err);

void vfa_extraspec_clear(struct vfa_extraspec *spec);

#endif
