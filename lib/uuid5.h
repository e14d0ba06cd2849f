/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Name-based UUIDs, version 5 of RFC 4122 (4.3): the same namespace and name give the same UUID
 * everywhere, and anybody can compute it (Python: uuid.uuid5(namespace, name)). SHA-1 is what the
 * RFC wants; nothing here is a secret.
 */
#ifndef VFA_UUID5_H
#define VFA_UUID5_H

#include "common.h"

#define VFA_UUID5_SIZE sizeof("xxxxxxxx-xxxx-5xxx-xxxx-xxxxxxxxxxxx")

/* namespace: a UUID as text. Into buf, in lower case; returns buf. "" if the namespace is no UUID.
 */
const char *vfa_uuid5(const char *namespace, const char *name, char buf[VFA_UUID5_SIZE]);

#endif
