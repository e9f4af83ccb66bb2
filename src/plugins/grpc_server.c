/* Limits of DNS over gRPC. */
#include "net/http_counts.h"
#include "plugins/transport_limits.h"

static struct transport_limits *limits(struct setup *s)
{
	return &s->block->transport_limits[SCHEME_GRPC];
}

static bool read_streams(struct setup *s)
{
	return transport_limit_read(s, "max_streams", 0, &limits(s)->streams);
}

static bool read_connections(struct setup *s)
{
	return transport_limit_read(s, "max_connections", 0, &limits(s)->connections);
}

static bool grpc_server_setup(struct setup *s)
{
	return arg_end(s);
}

static const struct option options[] = {
	{ "max_streams", "N", "256", "calls of a connection at once; 0: 65,536", read_streams },
	{ "max_connections", "N", "200",
		"connections of all clients that may be open; 0: any number", read_connections },
	{ 0 },
};

static const struct metric_family *const metrics[] = { &http_limits, NULL };

PLUGIN(grpc_server) = {
	.name = "grpc_server",
	.help = "sets the limits of grpc:// listeners (DNS over gRPC)",
	.about = "Listeners of grpc:// serve the method Query of coredns.dns.DnsService, whose "
		 "message is "
		 "`message DnsPacket { bytes msg = 1; }`, over TLS where the block has `tls`, else "
		 "in "
		 "the clear. Messages that are no query, and queries that nobody answers, end in "
		 "the status UNKNOWN. A call's deadline holds for what is asked on its behalf.\n\n"
		 "A connection over the limit takes the place of the one that has been idle "
		 "longest; "
		 "while all are at work it has to wait. Where several blocks share a listener, the "
		 "first one's limits hold. `timeouts` sets how long a call may take to come in "
		 "(`read`) and until a client that reads nothing is cut off (`write`); connections "
		 "may be idle for an hour, or as long as `idle` says.",
	.options = options,
	.metrics = metrics,
	.setup = grpc_server_setup,
};
