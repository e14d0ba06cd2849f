/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UUIDs as text. They are compared and stored in one spelling: lower case, with hyphens. This
 * folder must not be on the include path: libuuid has a header of the same name.
 */
#ifndef VFA_BASE_UUID_H
#define VFA_BASE_UUID_H

#include "common.h"

#define VFA_UUID_SIZE 37

/* Reads "8-4-4-4-12" in any case and writes it to `uuid` (VFA_UUID_SIZE bytes) in lower case.
 * False: not a UUID; `uuid` may have been overwritten in part. */
bool vfa_uuid_parse(const char *text, char *uuid);

#endif
