/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See uuid.h. */

#include "uuid.h"

#include <string.h>

bool vfa_uuid_parse(const char *text, char *uuid)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strlen(text) != VFA_UUID_SIZE - 1)
        return false;
    for (size_t i = 0; i < VFA_UUID_SIZE; i++) {
        char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

        if (shape[i] == 'x' ? !hex : c != shape[i])
            return false;
        uuid[i] = c;
    }
    return true;
}
