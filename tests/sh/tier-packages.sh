# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The packages: built from the tarball, looked at, and put into clean systems. Sourced after tiers.sh.

: "${workshop:=}" "${source_tree:=}" # set by build.sh
deb= # the Debian package, once it is there

tier_packages() {
    local build=$workshop/usr-build rpm release
    [ -e "$source_tree/configure" ] || make_configure
    [ "$workshop/destdir" -nt "$source_tree/configure" ] || check "make install DESTDIR" installs_everything
    check "make deb" make_deb
    check "make rpm" make_rpm
    deb=$(echo "$build"/packages/deb/vfalias_*.deb)
    rpm=$(echo "$build"/packages/rpm/RPMS/*/vfalias-[0-9]*.rpm)
    check "units: exposure, and that systemd understands them" units_hold
    check "SELinux module" selinux_module
    check "both packages are built with what configure asks for" build_dependencies_named
    if [ -e "$deb" ]; then
        check "lintian" lintian --allow-root --display-info --fail-on error,warning,info "$build"/packages/deb/*.changes
        for release in bookworm trixie; do
            check "the package in a clean $release" in_clean_root "$release" deb "$deb"
        done
    fi
    if [ -e "$rpm" ]; then
        check "rpmlint" rpmlint -c packaging/rpm/rpmlint.toml "$build"/packages/rpm/{SRPMS,RPMS/*}/*.rpm \
            "$build/packaging/rpm/vfalias.spec"
        check "the rpm's scriptlets and requirements" rpm_is_right "$rpm"
        check "the rpm in a clean bookworm" in_clean_root bookworm rpm "$rpm"
    fi
}

# The tests of other tiers need not run here again.
make_deb() {
    DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" make -C "$workshop/usr-build" -s deb
}

# --nodeps: what it is built with is known to dpkg only, on this machine.
make_rpm() {
    make -C "$workshop/usr-build" -s rpm RPMBUILD_FLAGS="--nodeps --nocheck"
}

# in_clean_root RELEASE deb|rpm PACKAGE: tests/packages/deb or rpm, in a system made for it. Of the deb there is a second
# one, which is newer by its version alone.
in_clean_root() {
    local release=$1 kind=$2 package=$3 shared newer status=0
    shared=$(mktemp -d "$workshop/clean-$release.XXXXXX")
    cp tests/packages/* "$shared"
    cp "$package" "$shared/this.$kind"
    newer=$shared/newer
    dpkg-deb -R "$deb" "$newer" && sed -i '/^Version:/s/$/+newer/' "$newer/DEBIAN/control" &&
        dpkg-deb -b --root-owner-group -Znone "$newer" "$newer.deb" >/dev/null || return 1
    rm -r "$newer"
    "$source_tree/tests/lab/lab" clean "$release" "$(dpkg-deb -f "$deb" Depends), rpm" "$shared" \
        "/shared/$kind" || status=$?
    rm -r "$shared"
    return "$status"
}

# Root's shell runs them, whichever it is.
rpm_is_right() {
    local tag script=$workshop/scriptlet
    for tag in POSTIN PREUN POSTUN; do
        rpm -qp --queryformat "#!/bin/sh\n%{$tag}\n" "$1" >"$script" || return 1
        sh -n "$script" && shellcheck "$script" || return 1
    done
    rpm -qp --requires "$1" >"$script"
    for tag in libvirt-daemon-driver-qemu 'libvirt\.so\.0()(64bit)' 'libsqlite3\.so\.0()(64bit)'; do
        grep -qx "$tag" "$script" || {
            echo "it does not require $tag"
            return 1
        }
    done
}

# Each module of pkg-config that configure.ac names.
build_dependencies_named() {
    local path package module
    local -a modules
    mapfile -t modules < <(sed -n 's/^PKG_CHECK_MODULES(\[[A-Z0-9_]*\], \[\([^ ]*\) .*/\1/p' configure.ac)
    for module in "${modules[@]}"; do
        path=$(pkg-config --variable=pcfiledir "$module")/$module.pc
        package=$(dpkg-query -S "$path" | cut -d: -f1)
        grep -q "^ $package\b" packaging/debian/control || {
            echo "packaging/debian/control lacks $package, for $module"
            return 1
        }
        grep -qF "pkgconfig($module)" packaging/rpm/vfalias.spec.in || {
            echo "packaging/rpm/vfalias.spec.in lacks pkgconfig($module)"
            return 1
        }
    done
}

# exposure in tenths; what keeps it from being less is said in the units. The programs are not installed here.
units_hold() {
    local unit copy=$workshop/units
    mkdir -p "$copy"
    for unit in vfaliasd.service vfalias-vfs.service; do
        systemd-analyze security --offline=true --no-pager --threshold=20 "$workshop/usr-build/conf/$unit" || return 1
        sed -E 's,^(ExecStart=)[^ ]+,\1/bin/true,' "$workshop/usr-build/conf/$unit" >"$copy/$unit" || return 1
    done
    systemd-analyze verify --man=no "$copy"/*.service 2>&1 | tee "$copy/said"
    ! [ -s "$copy/said" ]
}

selinux_module() {
    local module=$workshop/vfalias
    checkmodule -M -m -o "$module.mod" packaging/selinux/vfalias.te &&
        semodule_package -o "$module.pp" -m "$module.mod" -f packaging/selinux/vfalias.fc
}
