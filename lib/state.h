/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umbrella, goes with the move */
#ifndef VFA_STATE_H
#define VFA_STATE_H

#include "config.h"
#include "domxml.h"
#include "inventory.h"
#include "state-claims.h"
#include "state-drop.h"
#include "state-failed.h"
#include "state-file.h"
#include "state-hold.h"
#include "state-index-build.h"
#include "state-index.h"
#include "state-meta.h"
#include "state-quarantine.h"
#include "state-release.h"
#include "state-saved.h"
#include "state-tentative.h"
#include "state-withdrawn.h"

#endif
