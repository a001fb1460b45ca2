// JSON documents as people read them: for `ctl` and `explain`.
#pragma once

#include <boost/json/value.hpp>
#include <ostream>

namespace shellac::edge {

// An array of objects becomes a table with a line per object and a column per key; an object becomes lines of name and
// value, then its tables under their names. Safe for terminals whatever the texts hold.
void print_document(const boost::json::value& document, std::ostream& out);

}  // namespace shellac::edge
