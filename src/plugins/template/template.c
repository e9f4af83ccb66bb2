/* Answers from templates: records put together from the parts of a query. */
#include "plugins/template/template.h"

PLUGIN(template) = {
	.name = "template",
	.arguments = "CLASS TYPE [ZONES...]",
	.help = "answers with records that are put together from the query",
	.about = "A template takes the queries of its class and type (ANY takes all) for names "
		 "under its zones that one of its patterns "
		 "fits and for which its expressions are true. The templates of a block are tried "
		 "in their order. Where patterns or "
		 "expressions say no the query fails (SERVFAIL) unless `fallthrough` covers the "
		 "name.\n\n"
		 "Records are texts in the form of zone files (TTL 3600, class IN and the root as "
		 "origin where they say nothing), written in "
		 "the language of Go's text/template: `{{ .Name }}` is the qname in lower case, "
		 "`.Zone`, `.Class`, `.Type`, `.Regex`, "
		 "`.Remote` (the client's address), `.Question.Name`, `.Message.Id`, `.Group.NAME` "
		 "a named group of the pattern, "
		 "`index .Match N` its N-th group, `.Var.NAME` a variable, `.Meta \"LABEL\"` "
		 "metadata. There are `if`, `range`, `with`, "
		 "variables, pipelines, and the functions and, or, not, eq, ne, lt, le, gt, ge, "
		 "len, index, slice, print, printf, println and "
		 "`parseInt TEXT BASE BITS`.\n\n"
		 "Expressions are those of the plugin `view`, with `group(NAME)` beside. For "
		 "queries of type A and AAAA the target of a CNAME "
		 "in the answer is looked up and its records follow it.",
	.options = template_options,
	.metrics = template_metrics,
	.state_size = sizeof(struct template_state),
	.worker_size = sizeof(struct template_worker),
	.setup = template_setup,
	.serve = template_serve,
};
