/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared by the files of this room: regular expressions over one field of an address, for address
 * patterns only; parts of the matching, for what is on a PCI function.
 */
#ifndef VFA_SPEC_PRIVATE_H
#define VFA_SPEC_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/device.h"
#include "device/inventory.h"
#include "spec.h"

/* A regular expression with the meaning of Python's re.match(): anchored only at the start,
 * case-sensitive. */
struct vfa_regex;

/* Compiles an expression. `field` is the name of the address field, for the error. Free *ret with
 * vfa_regex_free(). */
int vfa_regex_compile(const char *field, const char *text, struct vfa_regex **ret,
                      struct vfa_error *err);
struct vfa_regex *vfa_regex_free(struct vfa_regex *regex);

/* Whether the expression matches. False also if matching needs too many steps or memory. */
bool vfa_regex_matches(const struct vfa_regex *regex, const char *text);

/* Translates an expression of Python's re to PCRE2. free() *ret. -EINVAL: Python refuses it, or
 * PCRE2 cannot express it; *ret_reason is the reason (static text; NULL in all other cases). */
int vfa_regex_from_python(const char *text, char **ret, const char **ret_reason);

/* Whether the keys of the spec that select PCI functions match this one. */
bool vfa_spec_matches_function(const struct vfa_spec *spec, const struct vfa_inventory *inv,
                               const struct vfa_device *function);

/* Whether the alias selects a PCI function that `spec` allows. */
bool vfa_alias_selects_function(const struct vfa_alias *alias, const struct vfa_device *dev,
                                const struct vfa_spec *spec, bool with_driver);

/* Whether an alias may have a device with these tags (NULL: none): remote_managed. */
bool vfa_alias_takes_tags(const struct vfa_alias *alias, const struct vfa_tags *tags);

/* Whether ids, class and tags of the choice match; whether its driver does. `dev` NULL: there is no
 * PCI function, and only a choice that wants nothing of a PCI function matches. */
bool vfa_choice_matches(const struct vfa_alias_choice *choice, const struct vfa_device *dev,
                        const struct vfa_tags *tags);
bool vfa_choice_matches_driver(const struct vfa_alias_choice *choice, const struct vfa_device *dev);

#endif
