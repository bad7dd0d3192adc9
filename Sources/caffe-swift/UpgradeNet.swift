import ArgumentParser
import Caffe
import Logging

struct UpgradeNet: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Rewrite a net of an older Caffe in today's form.",
    discussion: """
      Examples: caffe-swift upgrade-net old_train_val.prototxt train_val.prototxt
                caffe-swift upgrade-net --binary old.caffemodel new.caffemodel

      A net that is up to date already is written too. Exits with status 2 if the input is no net, and
      with 1, after writing, if a parameter of the older form has no place in today's.
      """,
    aliases: ["upgrade-net-proto-text", "upgrade_net_proto_text"])

  @Argument(help: "The net to read.")
  var input: String

  @Argument(help: "The file to write; it appears only when it is complete.")
  var output: String

  @Flag(help: "Read and write binary protobuf (a caffemodel) instead of text.")
  var binary = false

  func run() throws {
    let log = Logger(label: "caffe")
    let form = binary ? "binary" : "text"
    let net = try Upgrade.parse(input, form: form, as: NetParameter.self, log: log)
    let (upgraded, notes) = try net.upgraded(file: input)
    Upgrade.report(notes, on: input, log: log)
    try Upgrade.write(upgraded, to: output, form: form, log: log)
    if notes.contains(NetParameter.incompleteUpgrade) {
      log.error("Encountered error(s) while upgrading; see details above.")
      throw ExitCode(1)
    }
  }
}
