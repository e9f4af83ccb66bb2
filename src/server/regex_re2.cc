/* The module behind regex.h: RE2, with no exception and no C++ type leaving this file. */
#include "server/regex_engine.h"

#include <cstring>
#include <new>
#include <re2/re2.h>
#include <vector>

namespace
{

/* Most patterns have few groups: finding them needs no allocation. */
constexpr size_t groups_on_stack = 16;

regex_fault fault_of(RE2::ErrorCode code)
{
	switch (code) {
	case RE2::ErrorBadEscape:
		return REGEX_FAULT_ESCAPE;
	case RE2::ErrorBadCharClass:
		return REGEX_FAULT_CLASS;
	case RE2::ErrorBadCharRange:
		return REGEX_FAULT_RANGE;
	case RE2::ErrorMissingBracket:
		return REGEX_FAULT_BRACKET;
	case RE2::ErrorMissingParen:
		return REGEX_FAULT_PAREN;
	case RE2::ErrorUnexpectedParen:
		return REGEX_FAULT_UNEXPECTED_PAREN;
	case RE2::ErrorTrailingBackslash:
		return REGEX_FAULT_BACKSLASH;
	case RE2::ErrorRepeatArgument:
		return REGEX_FAULT_REPEAT_ARGUMENT;
	case RE2::ErrorRepeatSize:
		return REGEX_FAULT_REPEAT_SIZE;
	case RE2::ErrorRepeatOp:
		return REGEX_FAULT_REPEAT_OPERATOR;
	case RE2::ErrorBadPerlOp:
		return REGEX_FAULT_PERL;
	case RE2::ErrorBadUTF8:
		return REGEX_FAULT_UTF8;
	case RE2::ErrorBadNamedCapture:
		return REGEX_FAULT_NAME;
	case RE2::ErrorPatternTooLarge:
		return REGEX_FAULT_TOO_LARGE;
	default:
		return REGEX_FAULT_INTERNAL;
	}
}

void copy_part(const std::string &from, char *to, size_t size)
{
	size_t length = from.size() < size ? from.size() : size - 1;
	memcpy(to, from.data(), length);
	to[length] = '\0';
}

void *compile(view pattern, regex_fault *fault, char *part, size_t part_size)
{
	part[0] = '\0';
	*fault = REGEX_FAULT_INTERNAL;
	try {
		RE2::Options options;
		options.set_log_errors(false);
		RE2 *compiled = new RE2(re2::StringPiece(pattern.at, pattern.length), options);
		if (compiled->ok())
			return compiled;
		*fault = fault_of(compiled->error_code());
		copy_part(compiled->error_arg(), part, part_size);
		delete compiled;
	} catch (...) {
		*fault = REGEX_FAULT_TOO_LARGE;
	}
	return nullptr;
}

void release(void *compiled)
{
	delete static_cast<RE2 *>(compiled);
}

size_t groups(const void *compiled)
{
	return static_cast<size_t>(static_cast<const RE2 *>(compiled)->NumberOfCapturingGroups());
}

const char *group_name(const void *compiled, size_t group)
{
	const auto &names = static_cast<const RE2 *>(compiled)->CapturingGroupNames();
	auto found = names.find(static_cast<int>(group));
	return found == names.end() ? "" : found->second.c_str();
}

bool search_into(const RE2 *re, view text, re2::StringPiece *found, view *to, size_t count)
{
	re2::StringPiece piece(text.at, text.length);
	if (!re->Match(piece, 0, piece.size(), RE2::UNANCHORED, found, static_cast<int>(count)))
		return false;
	for (size_t i = 0; i < count; i++)
		to[i] = view{ found[i].data(), found[i].size() };
	return true;
}

bool search(const void *compiled, view text, view *to, size_t count)
{
	try {
		re2::StringPiece few[groups_on_stack];
		const RE2 *re = static_cast<const RE2 *>(compiled);
		if (count <= groups_on_stack)
			return search_into(re, text, few, to, count);
		std::vector<re2::StringPiece> many(count);
		return search_into(re, text, many.data(), to, count);
	} catch (...) {
		return false;
	}
}

} // namespace

extern "C" __attribute__((visibility("default"))) const regex_engine isthmus_regex_engine;
extern "C" const regex_engine isthmus_regex_engine = { compile, release, groups, group_name,
	search };
