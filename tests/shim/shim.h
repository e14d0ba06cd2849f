/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD library between vfaliasd and libvirt's test driver (test:///FILE): it writes down each
 * call, and makes calls hang, fail or answer something else. The test driver knows domains, states
 * and events; what it lacks (jobs, hot-plug) is made here.
 *
 * VFA_SHIM names a folder with
 *   calls    what was called, one line a call: SECONDS CPU-SECONDS THREAD FUNCTION DOMAIN DETAIL
 *   rules    commands that hold from the start
 *   control  a FIFO that takes commands, one a line; each is answered by a line "did" in calls
 *
 * Commands (tests/shim/shimhost.py writes them):
 *   rule FUNCTION DOMAIN ACTION [ARG [ARG]]   DOMAIN may be *, and is - where there is none.
 *                                             The rule that was added last is asked first.
 *     hang          waits until another rule holds, or none, then does what that says
 *     slow SECONDS  waits as long, then likewise
 *     fail CODE     fails with this code of libvirt (virterror.h)
 *     say N [N]     virDomainGetState: state and reason; virDomainGetJobInfo, virDomainGetJobStats:
 *                   type of job and operation; virDomainGetControlInfo: state and
 *                   for how many ms; virDomainDetachDeviceAlias: the guest keeps it
 *   drop FUNCTION DOMAIN                      drops all of these rules
 *   create|destroy|suspend|resume|undefine DOMAIN, metadata DOMAIN XML, rename DOMAIN NAME,
 *   snapshot|revert DOMAIN NAME               what another client of libvirt does
 *   define - XML                              likewise
 *   device DOMAIN XML                         what the live XML has in addition, until it stops
 *   event DOMAIN EVENT DETAIL                 a lifecycle event that says so
 *   close REASON                              the connections are told that they are closed
 *
 * All connections are one, as those to one libvirtd are. shim_lock guards all that is kept here;
 * nothing of libvirt is called under it, but for the opening of that connection.
 */
#ifndef SHIM_H
#define SHIM_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REAL(name)     ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define SHIM_NAME_SIZE 64
#define SHIM_LINE_SIZE 4096

struct rule {
    struct rule *next;
    char function[SHIM_NAME_SIZE], domain[SHIM_NAME_SIZE], action[SHIM_NAME_SIZE];
    double args[2];
};

extern pthread_mutex_t shim_lock;

/* ---- shim-rules.c ---- */
/* Writes into calls, which is opened first. */
void shim_open_calls(const char *folder);
void shim_note(const char *function, const char *domain, const char *detail);

void shim_add_rule(const char *text);
void shim_drop_rules(const char *function, const char *domain);

/* What each call begins with. False: it is to fail, and the error is set. *ret: the rule for it, or
 * none. Names are asked for here, as that resets libvirt's error. */
bool shim_begin(const char *function, virDomainPtr domain, struct rule *ret);
bool shim_says(const struct rule *rule);

void shim_fail(int code); /* sets libvirt's error */

/* ---- shim-connection.c ---- */
/* The connection that all have; NULL: nobody has yet. */
virConnectPtr shim_connection(void);

/* In the event loop, soon. */
void shim_send_lifecycle(virDomainPtr domain, int event, int detail);
void shim_send_device(int id, virDomainPtr domain, const char *alias);
void shim_send_close(int reason);

/* ---- shim-domains.c ---- */
/* The live XML has this device from now on. */
void shim_add_device(virDomainPtr domain, const char *xml);

/* Without a rule, and without being written down. */
int shim_destroy(virDomainPtr domain);

#endif
