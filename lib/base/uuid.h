/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UUIDs as text, in the one spelling that is compared and stored: lower case, with hyphens. Not
 * called uuid.h while it is on the include path itself: that is libuuid's.
 */
#ifndef VFA_BASE_UUID_H
#define VFA_BASE_UUID_H

#include "common.h"

#define VFA_UUID_SIZE 37

/* "8-4-4-4-12" in any case, into lower case (VFA_UUID_SIZE). False if it is no UUID; then `uuid`
 * may hold the start of it. */
bool vfa_uuid_parse(const char *text, char *uuid);

#endif
