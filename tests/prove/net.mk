# What reads the octets of clients and proxies in src/net: each driver includes the file whose functions it calls.
NET_DRIVERS = doq proxy grpc
NET_SIZES = 512 65535
NET_SOURCES_doq =
NET_SOURCES_proxy = dns/reader base/number base/view net/endpoint
# What of the C library is called nowhere here has no specification.
NET_FLAGS_proxy = -kernel-warn-key annot:missing-spec=inactive
NET_SOURCES_grpc = base/protobuf base/view
NET_TREE = build/net

$(NET_TREE): $(wildcard $(SOURCE)/dns/*.[ch] $(SOURCE)/base/*.[ch] $(SOURCE)/net/*.[ch] $(SOURCE)/net/quic/*.[ch])
	rm -rf $@ && mkdir -p $@/dns $@/base $@/net/quic
	for file in $(SOURCE)/dns/*.[ch] $(SOURCE)/dns/*.def $(SOURCE)/base/*.[ch] $(SOURCE)/net/*.[ch] $(SOURCE)/net/quic/*.[ch]; do \
		sed '/^[[:space:]]*\/\*@/,/\*\//d' $$file > $@/$${file#$(SOURCE)/} || exit 1; \
	done

prove-net: $(NET_DRIVERS:%=net-%)

net-%: $(NET_TREE)
	@for size in $(NET_SIZES); do \
		$(JUDGE) eva $*-$$size $(FC) -cpp-extra-args="-std=c17 -D_GNU_SOURCE -DSIZE=$$size -I$(NET_TREE)" \
			$(EVA) -warn-unsigned-overflow $(NET_FLAGS_$*) $(NET_SOURCES_$*:%=$(NET_TREE)/%.c) eva_$*.c || exit 1; \
	done

.PHONY: prove-net
