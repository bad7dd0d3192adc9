import CaffeData
import CaffeErrors
import CaffeInspect
import CaffeSchema
import Foundation

/// The pages of a folder of runs: what is answered to a request, without the network.
///
///     /                     the table of runs
///     /runs/NAME/           a run's report
///     …/state               a version number for each part of the page, as JSON
///     …/parts/PART          a part's content
///     /live.js              asks for both and puts new content into the page
package actor DashboardSite {
  package struct Answer: Sendable, Equatable {
    package var status: Int
    package var type = "text/html; charset=utf-8"
    package var body = ""
    /// Where to go instead.
    package var location: String?
  }

  private let folder: String
  private let labels: ClassNames?
  private var runs: [String: LiveRun] = [:]
  /// The last table of runs, and how often it has changed.
  private var list: (content: HTML, version: Int) = ("", 0)

  /// - Parameters:
  ///   - folder: a run, or a folder of runs.
  ///   - labels: the names of the classes.
  /// - Throws: if there is no such folder.
  package init(_ folder: String, labels: ClassNames? = nil) throws {
    guard FileBytes.isFolder(folder) else {
      throw CaffeError("there is no such folder", places: [folder])
    }
    self.folder = folder
    self.labels = labels
  }

  /// - Parameters:
  ///   - path: as the request has it, percent-encoded.
  ///   - host: whom the browser believes to talk to. Pages of other sites may let a name of theirs
  ///     lead here; they get nothing.
  package func answer(method: String, path: String, host: String?) async -> Answer {
    guard let host, Self.isOurs(host) else {
      return Answer(status: 403, body: "This server is for 127.0.0.1 and localhost only.\n")
    }
    guard method == "GET" || method == "HEAD" else {
      return Answer(status: 405, body: "Pages are read only.\n")
    }
    var answer = await page(path)
    if method == "HEAD" { answer.body = "" }
    return answer
  }

  private static func isOurs(_ host: String) -> Bool {
    let name = host.split(separator: ":", maxSplits: 1).first.map { $0.lowercased() }
    return name == "127.0.0.1" || name == "localhost"
  }

  private func page(_ path: String) async -> Answer {
    let missing = Answer(status: 404, body: "There is no such page.\n")
    let names = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
      .map { $0.removingPercentEncoding ?? "" }
    if names == ["live.js"] {
      return Answer(status: 200, type: "text/javascript", body: Self.script)
    }
    guard names.first == "runs", names.count > 2 else {
      return await listPage(names) ?? missing
    }
    findRuns()
    guard let run = runs[names[1]] else { return missing }
    switch Array(names.dropFirst(2)) {
    case [""]:
      return Answer(
        status: 200,
        body: ReportPage.page(
          title: "Run \(run.name)", sections: await run.sections(), script: "/live.js"
        ).markup)
    case ["state"]: return Self.state(await run.versions())
    case let rest where rest.count == 2 && rest[0] == "parts":
      guard let content = await run.sections().first(where: { $0.part.rawValue == rest[1] })
      else { return missing }
      return Answer(status: 200, body: content.content.markup)
    default: return missing
    }
  }

  private func listPage(_ names: [String]) async -> Answer? {
    findRuns()
    if names == [""], let only = runs.values.first, RunFolder(folder).isRun {
      return Answer(status: 302, location: Self.address(of: only.name))
    }
    switch names {
    case [""]:
      return Answer(
        status: 200,
        body: ReportPage.page(
          title: "Runs", sections: [await listSection()], script: "/live.js"
        ).markup)
    case ["state"]:
      return Self.state([ReportPart.runs.rawValue: await listSection().version])
    case ["parts", ReportPart.runs.rawValue]:
      return Answer(status: 200, body: await listSection().content.markup)
    default: return nil
    }
  }

  private func listSection() async -> ReportSection {
    var rows: [[HTML]] = []
    for run in runs.values.sorted(by: { $0.began > $1.began }) {
      rows.append(await run.row(address: Self.address(of: run.name)))
    }
    let content = RunReport.list(rows)
    if content != list.content { list = (content, list.version + 1) }
    return ReportSection(.runs, list.content, version: list.version)
  }

  private static func address(of run: String) -> String {
    let name = run.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? run
    return "/runs/\(name)/"
  }

  private static func state(_ versions: [String: Int]) -> Answer {
    let text = (try? JSONLine.text(versions)) ?? "{}"
    return Answer(status: 200, type: "application/json", body: text)
  }

  /// Takes up runs that have begun since, and forgets those that are gone.
  private func findRuns() {
    var paths: [String: String] = [:]
    if RunFolder(folder).isRun {
      paths[URL(fileURLWithPath: folder).lastPathComponent] = folder
    } else {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      where RunFolder("\(folder)/\(name)").isRun {
        paths[name] = "\(folder)/\(name)"
      }
    }
    runs = runs.filter { paths[$0.key] != nil }
    for (name, path) in paths where runs[name] == nil {
      runs[name] = (try? RunReport(path, labels: labels)).map { LiveRun($0, name: name) }
    }
  }

  /// Keeps a page up to date.
  private static let script = """
    "use strict";
    const say = (text) => {
      const place = document.getElementById("live");
      if (place.textContent !== text) place.textContent = text;
    };
    async function update() {
      try {
        const state = await (await fetch("state")).json();
        for (const [part, version] of Object.entries(state)) {
          const section = document.getElementById(part);
          if (Number(section.dataset.shown ?? section.dataset.version) === version) continue;
          const answer = await fetch("parts/" + part);
          if (!answer.ok) throw new Error(answer.status);
          section.querySelector(".content").innerHTML = await answer.text();
          section.dataset.shown = version;
        }
        say("Live: this page follows what happens.");
      } catch {
        say("The dashboard does not answer; what is here may be old.");
      }
      setTimeout(update, 1000);
    }
    update();

    """
}
