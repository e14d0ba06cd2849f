/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umbrella, goes with the move */
#ifndef VFA_ALLOCATE_H
#define VFA_ALLOCATE_H

#include "choose-resolve.h"
#include "claim-assignment.h"
#include "claim-check.h"
#include "claim-definition.h"
#include "claim-hotplug.h"
#include "claim-incoming.h"
#include "claim-network-port.h"
#include "claim-plug.h"
#include "claim-prepare.h"
#include "claim-reassert.h"
#include "claim-rescan.h"
#include "claim-transaction.h"
#include "claim.h"
#include "config.h"
#include "domxml.h"
#include "host.h"
#include "netport.h"
#include "state.h"
#include "unreleased.h"

#endif
