/* The table of rdata.def, by type. */
#include "dns/rdata.h"

const enum rdata_field *rdata_fields(uint16_t type)
{
	switch (type) {
#define RDATA(number, mnemonic, ...)                                                               \
	case number: {                                                                             \
		static const enum rdata_field fields[] = { __VA_ARGS__, FIELD_END };               \
		return fields;                                                                     \
	}
#include "dns/rdata.def"
#undef RDATA
	default:
		return NULL;
	}
}
