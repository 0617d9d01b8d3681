#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {

/// What somebody may have meant who gave an option that there is not: the flag of this program that
/// does what this word does in wget or aria2, or the one of `names` that is spelled most like it.
/// Empty when there is none. Neither has its dashes.
std::string suggestion_for(std::string_view given, const std::vector<std::string>& names);

} // namespace weir_fetch
