/* Rewrites requests, and answers back. */
#include "plugins/rewrite/rewrite.h"

PLUGIN(rewrite) = {
	.name = "rewrite",
	.arguments = "[continue|stop] FIELD ARGS...",
	.help = "changes queries before the other plugins see them, and their answers back",
	.about = "Each line is a rule, or each block, whose words count as one line. Rules are "
		 "tried in their order; behind one that "
		 "matches with `stop` (the default) no other is. The client always gets its own "
		 "question back.\n\n"
		 "- `name [exact] FROM TO`, `name prefix|suffix|substring|regex FROM TO "
		 "[ANSWER...]`: the name. FROM and TO are "
		 "completed with a final dot; of a regex the whole name becomes TO, in which `{1}` "
		 "is a group. ANSWER is `answer auto` "
		 "(names in the answer are changed back; exact rules do so always), `answer name "
		 "FROM TO` or `answer value FROM TO` (a "
		 "pattern for owners or for names in data, and what they become).\n"
		 "- `class FROM TO`, `type FROM TO`: the class or type of the question.\n"
		 "- `edns0 local set|append|replace CODE DATA [revert]`, `edns0 nsid "
		 "set|append|replace [revert]`, `edns0 subnet "
		 "set|append|replace V4BITS V6BITS [revert]`, `edns0 local unset CODE`, `edns0 "
		 "nsid|subnet unset`: options of the "
		 "query. DATA is text, `0x` and hexadecimal digits, or one of `{qname}`, "
		 "`{qtype}`, `{client_ip}`, `{client_port}`, "
		 "`{protocol}`, `{server_ip}`, `{server_port}`, `{LABEL}` of metadata. With "
		 "`revert` the client does not see the option.\n"
		 "- `ttl [KIND] NAME TTL`: TTLs of answers for the name, as `S`, `MIN-MAX`, `MIN-` "
		 "or `-MAX`.\n"
		 "- `rcode [KIND] NAME OLD NEW`: the code of answers for the name.\n"
		 "- `cname [KIND] FROM TO`: targets of CNAMEs in answers; the new target is looked "
		 "up.\n\n"
		 "KIND is exact, prefix, suffix, substring or regex, in RE2's syntax.",
	.state_size = sizeof(struct rewrite),
	.setup = rewrite_setup,
	.serve = rewrite_serve,
};
