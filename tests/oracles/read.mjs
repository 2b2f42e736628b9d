// Reads iCalendar objects (a JSON array of texts) from standard input with ical.js; writes what it understood as JSON.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

ICAL.design.strict = true;

function event(component) {
  const read = new ICAL.Event(component);
  return {
    uid: read.uid,
    sequence: read.sequence,
    start: read.startDate.toUnixTime(),
    end: read.endDate.toUnixTime(),
    zone: read.startDate.zone.tzid,
    summary: read.summary ?? "",
    description: read.description ?? "",
    location: read.location ?? "",
    status: component.getFirstPropertyValue("status") ?? "",
    organizer: read.organizer ?? "",
    attendees: read.attendees.map((attendee) => ({
      address: attendee.getFirstValue(),
      name: attendee.getParameter("cn"),
      answer: attendee.getParameter("partstat"),
    })),
  };
}

const answers = JSON.parse(readFileSync(0, "utf8")).map((text) => {
  const calendar = new ICAL.Component(ICAL.parse(text));
  return {
    method: calendar.getFirstPropertyValue("method") ?? "",
    events: calendar.getAllSubcomponents("vevent").map(event),
  };
});
process.stdout.write(JSON.stringify(answers));
