#!/bin/sh
# Installs the Debian packages that the project needs: each is listed here, once. Does nothing for those that are there.
#   tools/install-packages.sh          what building and running needs
#   tools/install-packages.sh image    and what the image of a container is put together with
#   tools/install-packages.sh test     and what the tests need
#   tools/install-packages.sh all      and what provers, linters, fuzzers and benchmarks need
set -e

build="gcc g++ make meson ninja-build pkg-config libc6-dev libre2-dev libcurl4-gnutls-dev libyaml-dev libexpat1-dev zlib1g-dev libseccomp-dev libssl-dev libgnutls28-dev libnghttp2-dev libngtcp2-dev libngtcp2-crypto-gnutls-dev libnghttp3-dev"
image="ca-certificates libcap2-bin binutils"
test="$image libcmocka-dev python3 python3-dnspython python3-yaml python3-cryptography openssl gnutls-bin dnsutils knot-dnsutils nsd knot ldnsutils bind9utils procps iproute2 curl nghttp2-client python3-grpcio python3-h2 python3-httpx etcd-server etcd-client"
all="clang clang-format clang-tidy libclang-rt-14-dev frama-c-base why3 z3 cvc4 dnsperf unbound dnsdist bind9
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static"

packages=$build
case "${1:-build}" in
build) ;;
image) packages="$build $image" ;;
test) packages="$build $test" ;;
all) packages="$build $test $all" ;;
*)
	echo "usage: $0 [build|image|test|all]" >&2
	exit 2
	;;
esac

missing=
for package in $packages; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
		missing="$missing $package"
done
[ -z "$missing" ] && exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "these packages are missing, and neither root nor sudo is at hand:$missing" >&2
		exit 1
	}
	sudo=sudo
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >/dev/null
# Name servers among the packages are peers for tests: they must not start as services of this machine.
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee /usr/sbin/policy-rc.d >/dev/null
	$sudo chmod +x /usr/sbin/policy-rc.d
	trap '$sudo rm -f /usr/sbin/policy-rc.d' EXIT
fi
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null
