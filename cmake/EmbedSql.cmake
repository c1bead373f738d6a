# paddock_embed_migrations(FOLDER OUTPUT): writes the C++ file OUTPUT with the content of FOLDER/NNNN_verb_object.sql in order,
# for server/store/migrator.h. Runs when CMake configures; an edited or new .sql file makes the build configure again.
function(paddock_embed_migrations folder output)
  file(GLOB files CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/*.sql)
  list(SORT files)
  set(rows "")
  set(version 0)
  foreach(file IN LISTS files)
    math(EXPR version "${version} + 1")
    string(REGEX MATCH "^([0-9][0-9][0-9][0-9])_([a-z]+_[a-z0-9_]+)\\.sql$" matched "${file}")
    if(NOT matched OR NOT CMAKE_MATCH_1 EQUAL version)
      message(FATAL_ERROR "migrations/${file}: migration number ${version} must be named NNNN_verb_object.sql, without gaps")
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
    file(READ ${folder}/${file} sql)
    string(APPEND rows "    {${version}, \"${CMAKE_MATCH_2}\", R\"sql(${sql})sql\"},\n")
  endforeach()
  set(content "#include \"server/store/migrator.h\"

namespace paddock {
namespace {

constexpr Migration kMigrations[] = {
${rows}};

}  // namespace

std::span<const Migration> ReleasedMigrations() { return kMigrations; }

}  // namespace paddock
")
  file(GENERATE OUTPUT ${output} CONTENT "${content}")
endfunction()
