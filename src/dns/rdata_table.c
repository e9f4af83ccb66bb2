/* The table of rdata.def, by type. */
#include "dns/rdata_field.h"

const enum rdata_field *rdata_fields(uint16_t type)
{
	switch (type) {
#define FIELD(kind, label) FIELD_##kind
#define RDATA(number, mnemonic, ...)                                                               \
	case number: {                                                                             \
		static const enum rdata_field fields[] = { __VA_ARGS__, FIELD_END };               \
		return fields;                                                                     \
	}
#include "dns/rdata.def"
#undef RDATA
#undef FIELD
	default:
		return NULL;
	}
}

const char *const *rdata_labels(uint16_t type)
{
	switch (type) {
#define FIELD(kind, label) label
#define RDATA(number, mnemonic, ...)                                                               \
	case number: {                                                                             \
		static const char *const labels[] = { __VA_ARGS__ };                               \
		return labels;                                                                     \
	}
#include "dns/rdata.def"
#undef RDATA
#undef FIELD
	default:
		return NULL;
	}
}
