#include <boost/asio.hpp>
#include <boost/json.hpp>
