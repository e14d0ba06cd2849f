#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes ./configure in a checkout; a release tarball has it already.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force
