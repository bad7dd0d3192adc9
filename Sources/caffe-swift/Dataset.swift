import ArgumentParser

struct Dataset: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look at data: what a database holds, and what a net sees of it.",
    subcommands: [DatasetInfo.self, DatasetShow.self])
}
