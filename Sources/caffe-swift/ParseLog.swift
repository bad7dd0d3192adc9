import ArgumentParser
import Caffe
import Foundation

struct ParseLog: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parse-log",
    abstract: "Turn a training log into tables: LOG.train and LOG.test, comma-separated.",
    discussion: """
      Example: caffe-swift parse-log train.log out/

      Reads what Caffe and caffe-swift train write to standard error, and --log-json files. The \
      columns are those of Caffe's parse_log.py: NumIters, Seconds, LearningRate, then the outputs.
      """,
    aliases: ["parse_log"])

  @Argument(help: "The log.")
  var log: String

  @Argument(help: "The folder to write to.")
  var folder = "."

  @Option(help: "What stands between columns.")
  var delimiter = ","

  @Flag(help: "Say what was written.")
  var verbose = false

  func run() throws {
    let history = try RunHistory(contentsOf: log)
    let name = URL(fileURLWithPath: log).lastPathComponent
    for (ending, rows) in [("train", history.train), ("test", history.test)] {
      let path = "\(folder)/\(name).\(ending)"
      let text = RunHistory.csv(rows, delimiter: delimiter)
      try AtomicFile.write(path, text: text)
      if verbose { print("Wrote \(path): \(rows.count) rows") }
    }
  }
}
