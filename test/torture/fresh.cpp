#include "torture/torture.hpp"
