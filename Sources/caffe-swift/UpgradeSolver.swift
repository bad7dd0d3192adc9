import ArgumentParser
import Caffe
import Logging

struct UpgradeSolver: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Rewrite a solver file of an older Caffe in today's form.",
    discussion: """
      Example: caffe-swift upgrade-solver old_solver.prototxt solver.prototxt

      solver_type becomes type. A solver that is up to date already is written too. Exits with status \
      2 if the input is no solver.
      """,
    aliases: ["upgrade-solver-proto-text", "upgrade_solver_proto_text"])

  @Argument(help: "The solver file to read.")
  var input: String

  @Argument(help: "The file to write; it appears only when it is complete.")
  var output: String

  func run() throws {
    let log = Logger(label: "caffe")
    let solver = try Upgrade.parse(input, form: "text", as: SolverParameter.self, log: log)
    var (upgraded, notes) = try solver.upgraded(file: input)
    // The prefix that a run derives from the file's name has no place in the file.
    upgraded.snapshotPrefix = solver.snapshotPrefix
    if !solver.hasSnapshotPrefix { upgraded.clearSnapshotPrefix() }
    Upgrade.report(notes, on: input, log: log)
    try Upgrade.write(upgraded, to: output, form: "text", log: log)
  }
}

/// What the commands that upgrade files share: Caffe's log lines and exit statuses.
enum Upgrade {
  /// Reads a message in the form `text` or `binary`.
  ///
  /// - Throws: status 2, after saying why, if the file is no such message.
  static func parse<Content: Message>(
    _ path: String, form: String, as type: Content.Type, log: Logger
  ) throws -> Content {
    do {
      return form == "text"
        ? try Content(contentsOfTextFile: path) : try Content(contentsOfBinaryFile: path)
    } catch let error as CaffeError {
      log.error("\(error)")
      log.error("Failed to parse input \(form) file as \(Content.descriptor.name): \(path)")
      throw ExitCode(2)
    }
  }

  static func report(_ notes: [String], on path: String, log: Logger) {
    if notes.isEmpty { log.error("File already in latest proto format: \(path)") }
    for note in notes { log.info("\(note)") }
  }

  static func write(_ message: some Message, to path: String, form: String, log: Logger) throws {
    let bytes = form == "text" ? Array(message.text().utf8) : try message.binary()
    try bytes.withUnsafeBytes { try AtomicFile.write(path, $0) }
    let name = type(of: message).descriptor.name
    log.info("Wrote upgraded \(name) \(form) proto to \(path)")
  }
}
